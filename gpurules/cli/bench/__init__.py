"""Benchmarks a ruleset on this machine: measurement (``measuring``) and output (``drawing``)."""

from gpurules.cli.bench.drawing import bench_text
from gpurules.cli.bench.measuring import Bench, measure_ruleset

__all__ = ["Bench", "bench_text", "measure_ruleset"]
