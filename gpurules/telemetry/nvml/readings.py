"""Reads single NVML calls of a GPU: one reading per call, in canonical units.

Source: NVML API reference, device queries.
"""

from collections.abc import Mapping

from gpurules.model.gpu import THROTTLE
from gpurules.telemetry.formats.nvidia.health import reasons_of_bitmask, throttle_flags
from gpurules.telemetry.nvml.calls import NvmlCall, Value, number
from gpurules.telemetry.nvml.health import HEALTH
from gpurules.telemetry.nvml.library import FUNCTION_NOT_FOUND, NOT_SUPPORTED, CallFailed, Handle, Library

MEMORY = ("memory_used", "memory_free", "memory_total", "memory_reserved")
_OLDER = frozenset({FUNCTION_NOT_FOUND, NOT_SUPPORTED, 25})
"""Errors after which the call's older form is tried."""
_MEMORY_V2 = 0x02000028
_SLOWDOWN, _SM, _MEM = 1, 1, 2
_FASTEST_FAN = 200
CORE = 0
"""The sensor of the core, NVML_TEMPERATURE_GPU."""


def read_memory(library: Library, handle: Handle) -> Mapping[str, Value]:
    """Return the memory; drivers before R510 count reserved memory as used, and do not report its size."""
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
    """Return the temperature of the core; the first form of the call will be removed with CUDA 14."""
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
    """Return the speed of the fan, capped at its maximum, which NVML may exceed."""
    percent = library.ask("nvmlDeviceGetFanSpeed", handle)
    return {"fan_speed": 100 if 100 < percent <= _FASTEST_FAN else percent}


READINGS = (
    NvmlCall(MEMORY, read_memory),
    NvmlCall(("utilization", "memory_busy"), _utilization),
    NvmlCall(("temperature",), read_temperature),
    NvmlCall(("temperature_margin",), _margin),
    number("power", "nvmlDeviceGetPowerUsage", over=1000),
    number("power_limit", "nvmlDeviceGetEnforcedPowerLimit", over=1000),
    number("energy", "nvmlDeviceGetTotalEnergyConsumption", over=1000),
    number("clock_sm", "nvmlDeviceGetClockInfo", _SM, times=10**6),
    number("clock_memory", "nvmlDeviceGetClockInfo", _MEM, times=10**6),
    NvmlCall(("fan_speed",), _fan_speed),
    NvmlCall(THROTTLE, _throttle),
    *HEALTH,
)
"""Every reading that is one call, or a few; memory before all else."""
