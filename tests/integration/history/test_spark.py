"""Spark gives what the processes of this machine give, row by row."""

import shutil
from pathlib import Path

import pytest

from gpurules.history.backtest.local import in_processes
from gpurules.history.backtest.run import Backtest, run
from gpurules.history.store.simulated import Month, write_month
from gpurules.history.store.storage import Storage
from gpurules.rules import load
from tests.cases import EXHAUSTIVE

pytest.importorskip("pyspark")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java", allow_module_level=True)


@pytest.mark.slow
@EXHAUSTIVE
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_spark_gives_the_same_rows_as_processes_here(tmp_path: Path) -> None:
    from gpurules.history.backtest.spark import in_spark

    list(write_month(Storage(tmp_path), Month(nodes=3, gpus=3, days=3, interval=60.0)))
    by = ("node", "gpu", "hour", "weekday")
    asked = Backtest([load("gpurules:coordinator")], [str(tmp_path)], by=by)
    here, there = run(asked, in_processes(1)), run(asked, in_spark("local[2]", None))
    mine, theirs = here.to_dict(by), there.to_dict(by)
    assert mine["data"] == theirs["data"]
    (one,), (other,) = mine["rulesets"], theirs["rulesets"]  # type: ignore[misc]
    for kind in ("rules", "signals"):
        assert len(one[kind]) == len(other[kind]) > 0
        for row, its in zip(one[kind], other[kind], strict=True):
            assert row == its
    assert mine == theirs
