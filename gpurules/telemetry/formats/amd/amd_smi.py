"""The output of ``amd-smi metric --json`` for AMD GPUs, combined with the identities from ``list`` and ``static``.

Source: https://rocm.docs.amd.com/projects/amdsmi; releases differ in what they nest, and a value is a number, a text
with its unit, or ``{"value": 41, "unit": "C"}``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gpurules.model import GPU, Dimension, Snapshot
from gpurules.telemetry.formats.cells import Number, read_number, reason_of_absence
from gpurules.telemetry.formats.json_documents import documents, is_start
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader

_GPU = re.compile(r'(?:\{\s*"gpu_data"\s*:\s*)?\[?\s*\{\s*(?:"timestamp"\s*:[^,]*,\s*)?"gpu"\s*:\s*\d')
_GROUPS = ("usage", "mem_usage", "temperature", "power", "clock", "fan", "vram", "energy")
_HEAD = 1 << 16
_UNITS = {"MB": "MiB", "GB": "GiB", "KB": "KiB"}


@dataclass(frozen=True, slots=True)
class _Quantity:
    attribute: str
    dimension: Dimension
    unit: str
    paths: tuple[str, ...]


_QUANTITIES = (
    _Quantity("memory_total", Dimension.BYTES, "MiB", ("mem_usage/total_vram", "vram/total_vram")),
    _Quantity("memory_used", Dimension.BYTES, "MiB", ("mem_usage/used_vram", "vram/used_vram")),
    _Quantity("memory_free", Dimension.BYTES, "MiB", ("mem_usage/free_vram",)),
    _Quantity("utilization", Dimension.PERCENT, "%", ("usage/gfx_activity", "usage/gfx_usage")),
    _Quantity("memory_busy", Dimension.PERCENT, "%", ("usage/umc_activity", "usage/mem_usage")),
    _Quantity("temperature", Dimension.CELSIUS, "C", ("temperature/edge", "temperature/hotspot")),
    _Quantity("memory_temperature", Dimension.CELSIUS, "C", ("temperature/mem",)),
    _Quantity(
        "power", Dimension.WATTS, "W", ("power/socket_power", "power/current_power", "power/average_socket_power")
    ),
    _Quantity("power_limit", Dimension.WATTS, "W", ("power/power_limit",)),
    _Quantity("energy", Dimension.JOULES, "J", ("energy/total_energy_consumption",)),
    _Quantity("clock_sm", Dimension.HERTZ, "MHz", ("clock/gfx_0/clk", "clock/gfx/clk", "clock/gfx_0/cur_clk")),
    _Quantity("clock_memory", Dimension.HERTZ, "MHz", ("clock/mem_0/clk", "clock/mem/clk", "clock/mem_0/cur_clk")),
    _Quantity("fan_speed", Dimension.PERCENT, "%", ("fan/usage",)),
    _Quantity("ecc_errors", Dimension.NONE, "", ("ecc/total_uncorrectable_count", "ecc/total_uncorrectable")),
    _Quantity("ecc_errors_corrected", Dimension.NONE, "", ("ecc/total_correctable_count", "ecc/total_correctable")),
    _Quantity("pcie_width", Dimension.NONE, "", ("pcie/width", "pcie/current_lanes")),
    _Quantity("pcie_replays", Dimension.NONE, "", ("pcie/replay_count",)),
)


@dataclass(frozen=True, slots=True)
class Identities:
    """The identities of GPUs, by index."""

    uuids: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    driver: str | None = None


def records(report: object) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield the GPUs of a report, each with its index; newer releases wrap them in ``gpu_data``."""
    found = report.get("gpu_data") if isinstance(report, Mapping) else report
    for position, record in enumerate(found if isinstance(found, list) else ()):
        if isinstance(record, Mapping):
            index = record.get("gpu")
            yield index if isinstance(index, int) and not isinstance(index, bool) else position, record


def identities(listed: object, static: object) -> Identities:
    """Return the identities of GPUs in the reports ``list`` and ``static --asic --driver``."""
    driver: str | None = None
    names: dict[int, str] = {}
    for index, record in records(static):
        name = _at(record, "asic/market_name")
        version = _at(record, "driver/version") or _at(record, "driver/driver_version")
        if (known := _name(name)) is not None:
            names[index] = known
        driver = driver or _name(version)
    uuids = {index: uuid for index, record in records(listed) if (uuid := _name(record.get("uuid"))) is not None}
    return Identities(uuids, names, driver)


def _name(cell: object) -> str | None:
    """Return the text of a cell; None if it is not a text or says that there is no value."""
    return cell.strip() if isinstance(cell, str) and reason_of_absence(cell) is None else None


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether JSON starts here with a first GPU that has an index and measurements."""
    texts = [line.text.strip() for line in head]
    at = next((at for at, text in enumerate(texts) if is_start(text)), None)
    if at is None:
        return False
    text = "".join(texts[at:])[:_HEAD]
    return _GPU.match(text) is not None and any(f'"{group}"' in text for group in _GROUPS)


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield one snapshot for each report of a file; those without a time follow the interval."""
    for number, report in documents(recording):
        found = list(records(report))
        if not found:
            recording.problem(number, "not a report of amd-smi metric: it has no GPUs")
            continue
        stamp = next((text for _, record in found if (text := record.get("timestamp")) is not None), None)
        time = None if stamp is None else recording.time(str(stamp), number)
        gpus = gpus_from_metric(report, Identities())
        yield Snapshot(timestamp=recording.next_time() if time is None else time, gpus=gpus)


def gpus_from_metric(report: object, known: Identities) -> tuple[GPU, ...]:
    """Return the GPUs of a report of ``metric``.

    Units: each value names its own; ``MB`` is 1024 * 1024 bytes there.
    Missing: what the report lacks, or has as ``N/A``.
    """
    return tuple(_gpu(index, record, known) for index, record in records(report))


def _gpu(index: int, record: Mapping[str, object], known: Identities) -> GPU:
    values: dict[str, Number] = {}
    missing: dict[str, str] = {}
    for quantity in _QUANTITIES:
        value, reason = _first(record, quantity)
        if value is not None:
            values[quantity.attribute] = value
        elif reason is not None:
            missing[quantity.attribute] = reason
    return GPU(
        index=index,
        uuid=known.uuids.get(index),
        name=known.names.get(index),
        vendor="amd",
        status="ok",
        mig=False,
        missing=missing,
        **values,  # type: ignore[arg-type]
    )


def _first(record: Mapping[str, object], quantity: _Quantity) -> tuple[Number | None, str | None]:
    """Return the first value at the paths of a quantity, or why there is none."""
    reasons: list[str] = []
    for cell in _present(_at(record, path) for path in quantity.paths):
        unit = cell.get("unit") if isinstance(cell, Mapping) else None
        said = cell.get("value") if isinstance(cell, Mapping) else cell
        name = _UNITS.get(unit, unit) if isinstance(unit, str) and unit else quantity.unit
        value, reason = read_number(str(said), quantity.dimension, name)
        if value is not None:
            return value, None
        reasons.append(reason or "no value")
    return None, reasons[0] if reasons else None


def _present(cells: Iterable[object]) -> Iterator[object]:
    return (cell for cell in cells if cell is not None)


def _at(record: object, path: str) -> object:
    for key in path.split("/"):
        record = record.get(key) if isinstance(record, Mapping) else None
    return record
