"""Writes a simulation as a recording, such as the shipped demo recording."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path

from gpurules.model import Snapshot, Transfer, Workload
from gpurules.output_files import write_file
from gpurules.strict_json import dumps
from gpurules.telemetry.simulation.node import simulate
from gpurules.telemetry.simulation.scenario import Scenario
from gpurules.telemetry.simulation.storage import simulate_transfers

DEMO = Scenario()
"""The scenario of the demo recording: four GPUs for an hour."""
DEMO_FIELDS = (
    "index", "uuid", "name", "vendor", "status", "memory_total", "memory_used", "utilization", "memory_busy",
    "temperature", "power", "clock_sm", "throttled", "throttle_thermal", "pcie_rx", "process_count", "healthy",
    "missing",
)  # fmt: skip
"""What of each GPU the demo recording keeps, so that it stays small."""
_DERIVED = frozenset({"memory", "memory_free"})


def _line(data: Mapping[str, object]) -> str:
    return dumps(data, compact=True) + "\n"


def snapshot_line(snapshot: Snapshot, fields: Iterable[str] | None = None) -> str:
    """Return a snapshot as a line of a recording, with only *fields* and without derived values."""
    kept = None if fields is None else frozenset(fields)
    gpus = []
    for gpu in snapshot.gpus:
        complete = gpu.memory_used is not None and gpu.memory_total is not None
        gpus.append(
            {
                name: value
                for name, value in gpu.to_dict().items()
                if (kept is None or name in kept) and not (complete and name in _DERIVED)
            }
        )
    return _line({**snapshot.to_dict(), "gpus": gpus})


def transfer_line(transfer: Transfer, workload: Workload | None) -> str:
    """Return a transfer and its workload as a line of a list."""
    data = {"transfer": transfer.to_dict()}
    return _line(data if workload is None else {**data, "workload": workload.to_dict()})


def write_recording(
    snapshots: str | PathLike[str],
    transfers: str | PathLike[str],
    scenario: Scenario = DEMO,
    fields: Iterable[str] | None = DEMO_FIELDS,
) -> None:
    """Write the snapshots and the transfers of *scenario* as JSONL; the same scenario gives the same bytes.

    Raises:
        OSError: a file cannot be written.
    """
    kept = None if fields is None else frozenset(fields)
    write_file(Path(snapshots), "".join(snapshot_line(snapshot, kept) for snapshot in simulate(scenario)))
    lines = (transfer_line(transfer, workload) for transfer, workload in simulate_transfers(scenario))
    write_file(Path(transfers), "".join(lines))
