"""The output of ``xpu-smi stats -j`` and ``discovery -j`` for Intel GPUs.

Source: https://github.com/intel/xpumanager (cli/src: statistics_stub.cpp, comlet_dump.cpp) for releases 1.x, whose
figures are a list of ``metrics_type`` and ``value``, memory in MiB; releases 2.x nest power and memory by tile.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpurules.model import GPU, Dimension
from gpurules.model.reading import sum_in_order
from gpurules.telemetry.formats.cells import Number, read_number

NOT_REPORTED = "not reported by this release of xpu-smi"
TILE_MISSING = "[a tile is missing]"
"""Stands for the figure of a tile that is known to be there: what the others have is not that of the GPU."""


@dataclass(frozen=True, slots=True)
class IntelQuantity:
    """A quantity: its attribute, its default unit, and how the values of tiles are combined."""

    attribute: str
    dimension: Dimension
    unit: str
    combine: str = "mean"


QUANTITIES = {
    "XPUM_STATS_GPU_UTILIZATION": IntelQuantity("utilization", Dimension.PERCENT, "%"),
    "XPUM_STATS_POWER": IntelQuantity("power", Dimension.WATTS, "W", "sum"),
    "XPUM_STATS_GPU_FREQUENCY": IntelQuantity("clock_sm", Dimension.HERTZ, "MHz"),
    "XPUM_STATS_GPU_CORE_TEMPERATURE": IntelQuantity("temperature", Dimension.CELSIUS, "C", "max"),
    "XPUM_STATS_MEMORY_TEMPERATURE": IntelQuantity("memory_temperature", Dimension.CELSIUS, "C", "max"),
    "XPUM_STATS_MEMORY_USED": IntelQuantity("memory_used", Dimension.BYTES, "MiB", "sum"),
    "XPUM_STATS_MEMORY_UTILIZATION": IntelQuantity("memory", Dimension.PERCENT, "%"),
    "XPUM_STATS_MEMORY_BANDWIDTH": IntelQuantity("memory_busy", Dimension.PERCENT, "%"),
}
"""The figures that are read, by the names of xpum_stats_type_enum."""
_NESTED = (
    ("XPUM_STATS_POWER", "power", "gpu_power_w"),
    ("XPUM_STATS_MEMORY_USED", "memory", "used_mib"),
    ("XPUM_STATS_MEMORY_UTILIZATION", "memory", "util_percent"),
)
"""Where releases 2.x have them."""
Figures = dict[str, list[object]]
"""The values of each figure, one of the device or one of each tile."""


def _figures_of(data: object) -> Figures:
    figures: Figures = {}
    for item in data if isinstance(data, list) else ():
        if isinstance(item, Mapping) and item.get("metrics_type") in QUANTITIES:
            figures.setdefault(item["metrics_type"], []).append(item.get("value"))
    return figures


def _figures(stats: Mapping[str, object]) -> Figures:
    """Return the values of a device; those not reported for the device are combined from its tiles."""
    tiles = stats.get("tile_level")
    figures = join_tiles(
        [
            _figures_of(tile.get("data_list") if isinstance(tile, Mapping) else None)
            for tile in (tiles if isinstance(tiles, list) else ())
        ]
    )
    for name, group, key in _NESTED:
        nested = stats.get(group)
        by_tile = nested.get(key) if isinstance(nested, Mapping) else None
        if isinstance(by_tile, Mapping):
            figures[name] = [tile.get("current") if isinstance(tile, Mapping) else tile for tile in by_tile.values()]
    return {**figures, **_figures_of(stats.get("device_level"))}


def join_tiles(tiles: Sequence[Figures]) -> Figures:
    """Return the values of each quantity by tile; a tile that lacks a value that others have counts as missing."""
    names = dict.fromkeys(name for figures in tiles for name in figures)
    return {name: [value for figures in tiles for value in figures.get(name, [TILE_MISSING])] for name in names}


def combine_tiles(quantity: IntelQuantity, values: Sequence[object]) -> tuple[Number | None, str | None]:
    """Combine the *values* of one device or of its tiles, or return why that is impossible.

    Missing: a tile has no value; a sum or a mean without it would be wrong.
    """
    read = [read_number(str(value), quantity.dimension, quantity.unit) for value in values if value is not None]
    numbers = [number for number, _ in read if number is not None]
    if not values or len(numbers) < len(values):
        return None, next((reason for _, reason in read if reason), "n/a")
    if len(numbers) == 1:
        return numbers[0], None
    if quantity.combine == "max":
        return max(numbers), None
    total = sum_in_order(numbers)
    return (total if quantity.combine == "sum" else total / len(numbers)), None


def facts_of(figures: Mapping[str, Sequence[object]]) -> tuple[dict[str, Number], dict[str, str]]:
    """Return the facts of a GPU, and why others are missing."""
    values: dict[str, Number] = {}
    missing: dict[str, str] = {}
    for name, quantity in QUANTITIES.items():
        value, reason = combine_tiles(quantity, figures[name]) if name in figures else (None, NOT_REPORTED)
        if value is None:
            missing[quantity.attribute] = reason or NOT_REPORTED
        else:
            values[quantity.attribute] = value
    return values, missing


def devices(report: object) -> tuple[Mapping[str, object], ...]:
    """Return the GPUs that ``discovery -j`` lists, without the virtual functions of others."""
    listed = report.get("device_list") if isinstance(report, Mapping) else None
    found = (device for device in listed if isinstance(device, Mapping)) if isinstance(listed, list) else ()
    return tuple(device for device in found if _is_whole(device) and isinstance(device.get("device_id"), int))


def _is_whole(device: Mapping[str, object]) -> bool:
    kind = device.get("device_function_type", device.get("function_type", "physical"))
    return str(kind).lower() not in ("virtual", "vf")


def text_of(device: Mapping[str, object], *keys: str) -> str | None:
    """Return the first text under *keys* that is not ``N/A``."""
    found = (device.get(key) for key in keys)
    return next((text for text in found if isinstance(text, str) and text.strip() and text.lower() != "n/a"), None)


def gpu_of(device: Mapping[str, object], detail: Mapping[str, object], stats: Mapping[str, object]) -> GPU:
    """Return a GPU from ``discovery -j``, ``discovery -d N -j`` and ``stats -d N -j``.

    Missing: what a release does not report, or reports as ``N/A``; used memory above the size.
    """
    values, missing = facts_of(_figures(stats))
    size, reason = read_number(str(detail.get("memory_physical_size_byte", "N/A")), Dimension.BYTES, "B")
    if size is not None and size > 0:
        values["memory_total"] = size
        if values.get("memory_used", 0) > size:
            missing["memory_used"] = f"larger than the memory: {values.pop('memory_used')}"
    else:
        missing["memory_total"] = reason or "n/a"
    if "memory_used" in values and "memory_total" in values:
        values.pop("memory", None)  # it follows exactly from both
        missing.pop("memory", None)
    address = text_of(device, "pci_bdf_address")
    return GPU(
        index=int(str(device["device_id"])),
        uuid=text_of(device, "uuid"),
        name=text_of(device, "device_name"),
        vendor="intel",
        status="ok" if values.keys() - {"memory_total"} else "degraded",
        mig=False,
        labels={"pci_bus_id": address} if address else {},
        missing=missing,
        **values,  # type: ignore[arg-type]
    )


def driver_of(details: Iterable[Mapping[str, object]]) -> str | None:
    """Return the driver version of the first GPU that reports it."""
    return next((version for detail in details if (version := text_of(detail, "driver_version"))), None)
