"""Distributes nodes over a Spark cluster: a grouped map by node, each group evaluated by the same kernel.

Spark shuffles task descriptions, not telemetry: each task reads its node's files, so every executor must be able to
reach the store. A node is one group from its first day to its last, so that state carries over from day to day as in
local runs.
"""

import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from gpurules.errors import UnavailableError
from gpurules.history.backtest.judge import Ask, NodeResult, judge
from gpurules.history.backtest.local import Distribute
from gpurules.history.backtest.task import NodeTask

_SCHEMA = "number long, payload binary"


def _session(master: str | None, remote: str | None) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UnavailableError("Spark needs pyspark, which is not installed; pip install 'gpurules[spark]'") from None
    builder = SparkSession.builder.appName("gpurules backtest")
    if remote is not None:
        return builder.remote(remote).getOrCreate()
    quiet = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    for key, value in quiet.items():
        builder = builder.config(key, value)
    if (master or "local").startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # otherwise any python3, without our packages
    try:
        return builder.master(master or "local[*]").getOrCreate()
    except Exception as error:  # foreign: no Java, a master that is not there, a version that does not fit
        first = str(error).strip().split("\n")[0]
        raise UnavailableError(f"Spark cannot be started ({first}); is Java installed?") from None


def in_spark(master: str | None, remote: str | None) -> Distribute:
    """Return a function that evaluates nodes in Spark: on *master* (``local[2]``) or by Spark Connect at *remote*.

    Raises:
        UnavailableError: pyspark is not installed.
    """

    def distribute(tasks: Sequence[NodeTask], ask: Ask) -> Iterator[NodeResult]:
        session = _session(master, remote)
        try:
            for key, value in (
                ("spark.sql.shuffle.partitions", str(max(1, len(tasks)))),
                ("spark.sql.adaptive.coalescePartitions.enabled", "false"),
            ):
                session.conf.set(key, value)
            rows = [(number, bytearray(pickle.dumps(task))) for number, task in enumerate(tasks)]
            groups = session.createDataFrame(rows, _SCHEMA).groupBy("number")
            for row in groups.applyInArrow(_evaluator(pickle.dumps(ask)), _SCHEMA).toLocalIterator():
                result: NodeResult = pickle.loads(bytes(row["payload"]))
                yield result
        finally:
            session.stop()

    return distribute


def _evaluator(asked: bytes) -> Any:
    """Return the function that Spark runs for each group: it maps the tasks of one node to their results."""

    def evaluate(table: Any) -> Any:
        import pyarrow as pa

        ask: Ask = pickle.loads(asked)
        numbers, results = table.column("number").to_pylist(), []
        for payload in table.column("payload").to_pylist():
            results.append(pickle.dumps(judge(pickle.loads(payload), ask)))
        return pa.table({"number": pa.array(numbers, pa.int64()), "payload": pa.array(results, pa.binary())})

    return evaluate
