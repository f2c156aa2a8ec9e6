"""The back end that writes PromQL: each condition becomes the vectors where it is TRUE and where it is FALSE.

::

    checked term --> conditions --> vectors    joins of vectors, and their labels
                                    numbers, texts
                     naming, samples           which metric carries which field

The entry point is ``PromqlBackEnd``.
"""

from gpurules.backends.promql.conditions import MAX_LENGTH, PromqlBackEnd, SignalSeries
from gpurules.backends.promql.naming import GPURULES, MetricNaming, TextLabel, own_metric
from gpurules.backends.promql.numbers import range_text
from gpurules.backends.promql.samples import GPU_METRICS, gpu_samples, node_series, series_name
from gpurules.backends.promql.vectors import Level, TruthVectors, Vector

__all__ = [
    "GPURULES",
    "GPU_METRICS",
    "MAX_LENGTH",
    "Level",
    "MetricNaming",
    "PromqlBackEnd",
    "SignalSeries",
    "TextLabel",
    "TruthVectors",
    "Vector",
    "gpu_samples",
    "node_series",
    "own_metric",
    "range_text",
    "series_name",
]
