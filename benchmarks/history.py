"""Back-tests beside DuckDB's SQL and the engine's own replay, on one processor: ``python benchmarks/history.py``.

Everything is measured in processor time of this process, reading from sorted Parquet included; ratios are what counts.
The SQL gives the same samples on which each signal is on, which is checked.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow.parquet as pq

from gpurules.history.backtest.judge import Ask, judge
from gpurules.history.backtest.local import in_processes
from gpurules.history.backtest.run import Backtest, run
from gpurules.history.backtest.task import tasks_of, wanted_columns
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.kernel.replay import Replayer
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.simulated import Month, write_month
from gpurules.history.store.storage import Storage
from gpurules.rules import load, loads

T = TypeVar("T")
SIGNALS = {
    "memory_pressure": ("memory > 85", "memory < 80", 30),
    "memory_critical": ("memory > 90", "memory < 85", 30),
    "heat": ("temperature > 85", "temperature < 82", 0),
}
STATELESS = """version: 1
name: stateless
rules:
- {name: full, condition: gpu_memory > 80 AND gpu_temperature > 70, action: pause_transfer}
- {name: idle, condition: gpu_utilization < 10 AND gpu_power < 150W, action: pause_transfer}
"""
FILTERS = "count(*) filter (memory > 80 and temperature > 70), count(*) filter (utilization < 10 and power < 150)"


def measured(work: Callable[[], T]) -> tuple[float, T]:
    """Return the processor time of *work*, the better of two runs, and what it returns."""
    best, result = float("inf"), None
    for _ in range(2):
        began = time.process_time()
        result = work()
        best = min(best, time.process_time() - began)
    return best, result  # type: ignore[return-value]


def signal_sql(files: str) -> str:
    """Return hand-written SQL that counts the samples on which each signal is on."""
    steps = [f"with rows as (select identity, timestamp, memory, temperature from read_parquet('{files}'))"]
    for name, (start, until, keep) in SIGNALS.items():
        steps.append(
            f"{name}_1 as (select *, coalesce({start}, false) as t, coalesce({until}, false) as u, "
            f"sum(case when {start} then 1 else 0 end) over (partition by identity order by timestamp) as g from rows)"
        )
        steps.append(
            f"{name}_2 as (select *, min(case when u and not t then timestamp end) over (partition by identity, g "
            f"order by timestamp) as e from {name}_1)"
        )
        steps.append(
            f"{name}_3 as (select last_value(case when t then 1 "
            f"when e is not null and timestamp - e >= {keep} then 0 end "
            f"ignore nulls) over (partition by identity order by timestamp) as o from {name}_2)"
        )
    counts = ", ".join(f"(select count(*) from {name}_3 where o = 1)" for name in SIGNALS)
    return ",\n".join(steps) + f"\nselect {counts}"


def line(what: str, seconds: float, samples: int, ratio: str = "") -> None:
    """Write one line of the table."""
    sys.stdout.write(f"{what:58s} {seconds:8.2f} s  {samples / seconds / 1e6:8.2f} M/s  {ratio}\n")


def explain_stateless(files: Sequence[str], samples: int) -> None:
    """Write what decoding takes without any evaluation: the columns of the two rules, and whose and when a row is."""
    read = ["memory", "temperature", "utilization", "power"]
    known = ["identity", "timestamp", *read]

    def decode(columns: list[str]) -> None:
        for path in files:
            with pq.ParquetFile(path) as file:
                file.read(columns=columns, use_threads=False)

    line("  decoding by Arrow alone: the columns of the rules", measured(lambda: decode(read))[0], samples)
    line("  decoding by Arrow alone: and identity and time", measured(lambda: decode(known))[0], samples)


def main() -> int:
    """Measure, and return 1 where the SQL does not agree."""
    place = Path(tempfile.mkdtemp()) / "month"
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    list(write_month(Storage(place), Month(nodes=1, gpus=8, days=days, interval=5.0, with_losses=False)))
    files = f"{place}/telemetry/*/*/*.parquet"
    rules, stateless = load("gpurules:coordinator"), loads(STATELESS)
    (task,) = tasks_of(str(place))
    connection = duckdb.connect()
    connection.execute("set threads to 1")

    ours, result = measured(lambda: run(Backtest([rules], [str(place)]), in_processes(1)))
    samples = result.data.samples
    sys.stdout.write(f"{samples:,} GPU samples of one node, {days} days, one processor\n\n")
    line("back-test of coordinator, everything counted", ours, samples)
    plan = KernelPlan.of(rules)

    def kernel_only() -> None:
        kernel = Kernel(plan)
        for frame in task.frames(wanted_columns((plan,)), Findings()):
            kernel.advance(frame)

    bare, _ = measured(kernel_only)
    line("  of that, reading and the kernel", bare, samples)
    sql, counts = measured(lambda: connection.execute(signal_sql(files)).fetchone())
    line(
        "three signals of it in hand-written DuckDB SQL",
        sql,
        samples,
        f"the back-test is {sql / ours:.1f} times as fast",
    )
    query = f"select {FILTERS} from read_parquet('{files}')"
    scan, _ = measured(lambda: connection.execute(query).fetchone())
    plain = KernelPlan.of(stateless)

    def stateless_kernel() -> None:
        kernel = Kernel(plain)
        for frame in task.frames(wanted_columns((plain,)), Findings()):
            kernel.advance(frame)

    conditions, _ = measured(stateless_kernel)
    line("two stateless rules: reading and the kernel", conditions, samples)
    line("two filters and a count in DuckDB", scan, samples, f"the kernel has {scan / conditions:.2f} of its speed")
    explain_stateless([str(path) for path in place.glob("telemetry/*/*/*.parquet")], samples)
    frame = next(iter(task.frames(None, Findings())))
    began = time.process_time()
    Replayer(plan).advance(frame)
    replay = time.process_time() - began
    speed = len(frame.owner) / replay
    line(
        "the engine, snapshot by snapshot (one day)",
        replay,
        len(frame.owner),
        f"the back-test is {samples / ours / speed:.0f} times as fast",
    )
    mine = tuple(result.rulesets[0].signals[name].on for name in SIGNALS)
    sys.stdout.write(f"\nsamples on which each signal is on: {mine}, in SQL {counts}\n")
    assert judge(task, Ask((plan,), "kernel")).extent.samples == samples
    return int(mine != counts)


if __name__ == "__main__":
    sys.exit(main())
