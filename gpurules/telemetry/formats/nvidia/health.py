"""NVIDIA health readings: clock event reasons, memory repairs, and fabric state."""

from collections.abc import Mapping

from gpurules.model.gpu import FABRIC_STATES
from gpurules.model.reading import sum_in_order
from gpurules.telemetry.formats.cells import NOT_OFFERED, Number, plain_text, reason_of_absence

_BITS = {
    "sw_power_cap": 0x4, "hw_slowdown": 0x8, "sync_boost": 0x10, "sw_thermal_slowdown": 0x20,
    "hw_thermal_slowdown": 0x40, "hw_power_brake_slowdown": 0x80,
}  # fmt: skip
REASONS = tuple(_BITS)
"""The clock event reasons that are read, by the names that nvidia-smi gives them."""
_MASK_END = 1 << 16
"""From here on no bit stands for a reason."""
_TRUE, _FALSE = ("active", "yes", "true", "1"), ("not active", "no", "false", "0")
_PAGES = ("retired_pages_single_bit", "retired_pages_double_bit")


def any_true(flags: tuple[bool | None, ...]) -> bool | None:
    """Return whether any of *flags* is true; unknown if none is true and one is missing."""
    return True if True in flags else None if None in flags else False


def throttle_flags(flags: Mapping[str, bool | None]) -> dict[str, bool | None]:
    """Return the throttle facts of the clock event reasons by name.

    A software power cap alone is not throttling: a GPU under full load reaches its power limit, as it should.
    HW Slowdown is engaged by heat, by a power brake, by a power draw that is too high, or by a change of clocks. So
    if a driver reports no more than that, its absence implies that neither of the first two is there; its presence
    implies neither of them.

    Source: nvmlDeviceGetCurrentClocksEventReasons; nvmlClocksEventReasonHwSlowdown.
    """
    slowdown = flags.get("hw_slowdown")
    implied = False if slowdown is False else None
    brake, heat = (
        implied if flags.get(name) is None else flags[name]
        for name in ("hw_power_brake_slowdown", "hw_thermal_slowdown")
    )
    cap, software_heat = flags.get("sw_power_cap"), flags.get("sw_thermal_slowdown")
    thermal = any_true((software_heat, heat))
    return {
        "throttled": any_true((thermal, brake, slowdown)),
        "throttle_thermal": thermal,
        "throttle_power": any_true((cap, brake)),
        "throttle_hw_slowdown": slowdown,
        "throttle_hw_thermal": heat,
        "throttle_hw_power_brake": brake,
        "throttle_sw_thermal": software_heat,
        "throttle_sw_power_cap": cap,
        "throttle_sync_boost": flags.get("sync_boost"),
    }


def reasons_of_bitmask(active: int) -> dict[str, bool | None]:
    """Return the clock event reasons in a bitmask.

    Missing: all of them if undefined bits are set, as in a mask of ones.
    """
    if not 0 <= active < _MASK_END:
        return dict.fromkeys(_BITS)
    return {reason: bool(active & bit) for reason, bit in _BITS.items()}


def read_flag(text: str) -> tuple[bool | None, str | None]:
    """Parse a yes-or-no cell, or return why it has neither.

    >>> read_flag("Yes"), read_flag("[N/A]")
    ((True, None), (None, 'n/a'))
    """
    word = plain_text(text)
    if word in _TRUE or word in _FALSE:
        return word in _TRUE, None
    return None, reason_of_absence(text) or f"neither yes nor no: {text.strip()[:40]!r}"


def with_page_total(values: dict[str, Number]) -> None:
    """Add the total of retired pages, if both counts are present."""
    if all(name in values for name in _PAGES):
        values["retired_pages"] = sum_in_order(values[name] for name in _PAGES)


def fabric_state(state: int | None, failed: bool) -> str | None:
    """Return the fabric state for NVML's number; *failed*: it is completed with an error.

    Missing: NVML does not document the number.
    Source: nvmlGpuFabricState_t.
    """
    if state is None or not 0 <= state < len(FABRIC_STATES) - 1:
        return None
    return FABRIC_STATES[-1] if failed and FABRIC_STATES[state] == "completed" else FABRIC_STATES[state]


def fabric_of_text(state: str, status: str) -> str | None:
    """Return the state of the fabric that nvidia-smi prints.

    Missing: it is not one of the known words.

    >>> fabric_of_text("Completed", "Success"), fabric_of_text("In Progress", "N/A"), fabric_of_text("N/A", "N/A")
    ('completed', 'in_progress', None)
    """
    word = plain_text(state).replace(" ", "_")
    number = FABRIC_STATES.index(word) if word in FABRIC_STATES else None
    return fabric_state(number, plain_text(status) not in NOT_OFFERED | {"success"})
