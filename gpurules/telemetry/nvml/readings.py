"""What single calls of NVML return for a GPU: one reading per call, in canonical units.

Source: NVML API reference, device queries.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gpurules.telemetry.formats.nvidia.query_fields import reasons_of_bitmask, throttle_flags
from gpurules.telemetry.nvml.library import FUNCTION_NOT_FOUND, NOT_SUPPORTED, CallFailed, Handle, Library

Value: TypeAlias = int | float | bool | None
Read: TypeAlias = Callable[[Library, Handle], Mapping[str, Value]]

MEMORY = ("memory_used", "memory_free", "memory_total", "memory_reserved")
_OLDER = frozenset({FUNCTION_NOT_FOUND, NOT_SUPPORTED, 25})
"""Errors after which the call's older form is tried."""
_MEMORY_V2 = 0x02000028
_VOLATILE, _UNCORRECTED, _SLOWDOWN, _SM, _MEM = 0, 1, 1, 1, 2
_FASTEST_FAN = 200
CORE = 0
"""The sensor of the core, NVML_TEMPERATURE_GPU."""


@dataclass(frozen=True, slots=True)
class NvmlCall:
    """A call, and the attributes of a GPU that it gives."""

    attributes: tuple[str, ...]
    read: Read


def read_memory(library: Library, handle: Handle) -> Mapping[str, Value]:
    """Return the memory; drivers before R510 count what they reserve as used, and do not say how much that is."""
    try:
        memory = library.ask("nvmlDeviceGetMemoryInfo", handle, _MEMORY_V2)
    except CallFailed as error:
        if error.code not in _OLDER:
            raise
        memory = library.ask("nvmlDeviceGetMemoryInfo", handle)
        return {"memory_used": memory.used, "memory_free": memory.free, "memory_total": memory.total}
    return {
        "memory_used": memory.used,
        "memory_free": memory.free,
        "memory_total": memory.total,
        "memory_reserved": memory.reserved,
    }


def _utilization(library: Library, handle: Handle) -> Mapping[str, Value]:
    rates = library.ask("nvmlDeviceGetUtilizationRates", handle)
    return {"utilization": rates.gpu, "memory_busy": rates.memory}


def read_temperature(library: Library, handle: Handle) -> Mapping[str, Value]:
    """Return the temperature of the core; the first form of the call is to go with CUDA 14."""
    try:
        return {"temperature": library.ask("nvmlDeviceGetTemperature", handle, CORE)}
    except CallFailed as error:
        if error.code != FUNCTION_NOT_FOUND:
            raise
    return {"temperature": library.ask("nvmlDeviceGetTemperatureV", handle, CORE)}


def _margin(library: Library, handle: Handle) -> Mapping[str, Value]:
    try:
        return {"temperature_margin": library.ask("nvmlDeviceGetMarginTemperature", handle)}
    except CallFailed as error:
        if error.code not in _OLDER:
            raise
    limit = library.ask("nvmlDeviceGetTemperatureThreshold", handle, _SLOWDOWN)
    now = read_temperature(library, handle)["temperature"]
    return {"temperature_margin": None if now is None else limit - now}


def _throttle(library: Library, handle: Handle) -> Mapping[str, Value]:
    try:
        reasons = library.ask("nvmlDeviceGetCurrentClocksEventReasons", handle)
    except CallFailed as error:
        if error.code != FUNCTION_NOT_FOUND:
            raise
        reasons = library.ask("nvmlDeviceGetCurrentClocksThrottleReasons", handle)
    return throttle_flags(reasons_of_bitmask(reasons))


def _fan_speed(library: Library, handle: Handle) -> Mapping[str, Value]:
    """Return the speed of the fan; NVML may put it above what it calls the maximum, and then it is at its maximum."""
    percent = library.ask("nvmlDeviceGetFanSpeed", handle)
    return {"fan_speed": 100 if 100 < percent <= _FASTEST_FAN else percent}


def _number(attribute: str, function: str, *arguments: int, times: int = 1, over: int = 1) -> NvmlCall:
    def read(library: Library, handle: Handle) -> Mapping[str, Value]:
        value = library.ask(function, handle, *arguments)
        return {attribute: value * times if over == 1 else value / over}

    return NvmlCall((attribute,), read)


READINGS = (
    NvmlCall(MEMORY, read_memory),
    NvmlCall(("utilization", "memory_busy"), _utilization),
    NvmlCall(("temperature",), read_temperature),
    NvmlCall(("temperature_margin",), _margin),
    _number("power", "nvmlDeviceGetPowerUsage", over=1000),
    _number("power_limit", "nvmlDeviceGetEnforcedPowerLimit", over=1000),
    _number("energy", "nvmlDeviceGetTotalEnergyConsumption", over=1000),
    _number("clock_sm", "nvmlDeviceGetClockInfo", _SM, times=10**6),
    _number("clock_memory", "nvmlDeviceGetClockInfo", _MEM, times=10**6),
    NvmlCall(("fan_speed",), _fan_speed),
    NvmlCall(("throttled", "throttle_thermal", "throttle_power"), _throttle),
    _number("ecc_errors", "nvmlDeviceGetTotalEccErrors", _UNCORRECTED, _VOLATILE),
)
"""Every reading that is one call, or a few; memory before all else."""
