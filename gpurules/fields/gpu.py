"""The fields of each GPU."""

from gpurules.fields.field import Field, Scope, gpu_field
from gpurules.fields.gpu_health import HEALTH_FIELDS, THROTTLE_FIELDS
from gpurules.model import BOOL, STRING, Dimension, number
from gpurules.model.gpu import STATUSES, VENDORS

_PERCENT, _BYTES, _CELSIUS = number(Dimension.PERCENT), number(Dimension.BYTES), number(Dimension.CELSIUS)
_WATTS, _HERTZ, _RATE = number(Dimension.WATTS), number(Dimension.HERTZ), number(Dimension.BYTES_PER_SECOND)
_COUNT = number(Dimension.NONE)


def _percent(name: str, description: str, source: str) -> Field:
    return gpu_field(name, _PERCENT, description, source)


def _bytes(name: str, description: str, source: str) -> Field:
    return gpu_field(name, _BYTES, description, source, integer=True)


def _rate(name: str, description: str, source: str) -> Field:
    return gpu_field(name, _RATE, description, source)


FIELDS = (
    Field(
        name="gpu_index",
        scope=Scope.GPU,
        attribute="index_number",
        datatype=_COUNT,
        description="index of the GPU on this node; for a MIG instance, that of its parent",
        source="nvmlDeviceGetIndex",
        minimum=0,
        integer=True,
        always_known=True,
    ),
    gpu_field("uuid", STRING, "unique identifier of the GPU, stable across reboots", "nvmlDeviceGetUUID"),
    gpu_field("name", STRING, "product name", "nvmlDeviceGetName"),
    gpu_field("vendor", STRING, "vendor", "the source", values=VENDORS),
    gpu_field("status", STRING, "status of the GPU, as reported by the source", "the source", values=STATUSES),
    _percent(
        "memory",
        "memory in use, used over total (not the busy time of the memory controller)",
        "nvmlDeviceGetMemoryInfo_v2",
    ),
    _bytes("memory_used", "memory in use", "nvmlDeviceGetMemoryInfo_v2"),
    _bytes("memory_free", "free memory", "nvmlDeviceGetMemoryInfo_v2"),
    _bytes("memory_total", "total memory", "nvmlDeviceGetMemoryInfo_v2"),
    _bytes("memory_reserved", "memory reserved by the driver and firmware", "nvmlDeviceGetMemoryInfo_v2"),
    _percent("utilization", "share of time in which a kernel was running", "nvmlDeviceGetUtilizationRates.gpu"),
    _percent(
        "memory_busy", "share of time in which the memory controller was busy", "nvmlDeviceGetUtilizationRates.memory"
    ),
    gpu_field(
        "temperature",
        _CELSIUS,
        "core temperature",
        "nvmlDeviceGetTemperature",
        integer=True,
    ),
    gpu_field(
        "memory_temperature",
        _CELSIUS,
        "memory temperature",
        "NVML_FI_DEV_MEMORY_TEMP",
        integer=True,
    ),
    gpu_field(
        "memory_temperature_limit",
        _CELSIUS,
        "temperature above which the memory is too hot",
        "nvmlDeviceGetTemperatureThreshold(MEM_MAX)",
        integer=True,
    ),
    gpu_field(
        "temperature_margin",
        _CELSIUS,
        "degrees below the slowdown limit: smaller is hotter",
        "nvmlDeviceGetMarginTemperature",
        integer=True,
    ),
    gpu_field("power", _WATTS, "power draw", "nvmlDeviceGetPowerUsage"),
    gpu_field("power_limit", _WATTS, "effective power limit", "nvmlDeviceGetEnforcedPowerLimit"),
    gpu_field(
        "energy",
        number(Dimension.JOULES),
        "energy consumed since the driver was loaded (a counter)",
        "nvmlDeviceGetTotalEnergyConsumption",
        counter=True,
    ),
    gpu_field(
        "clock_sm",
        _HERTZ,
        "clock rate of the streaming multiprocessors",
        "nvmlDeviceGetClockInfo(SM)",
        integer=True,
    ),
    gpu_field("clock_memory", _HERTZ, "memory clock rate", "nvmlDeviceGetClockInfo(MEM)", integer=True),
    _percent("fan_speed", "fan speed, as a share of its maximum", "nvmlDeviceGetFanSpeed"),
    *THROTTLE_FIELDS,
    _rate("pcie_rx", "PCIe traffic from the host to the GPU (loading)", "nvmlDeviceGetPcieThroughput(RX)"),
    _rate("pcie_tx", "PCIe traffic from the GPU to the host", "nvmlDeviceGetPcieThroughput(TX)"),
    _rate("nvlink_rx", "NVLink traffic to the GPU", "NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX"),
    _rate("nvlink_tx", "NVLink traffic from the GPU", "NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX"),
    *HEALTH_FIELDS,
    gpu_field("xid", _COUNT, "last Xid error", "nvmlEventSetWait (XidCriticalError)", integer=True),
    gpu_field(
        "xid_age",
        number(Dimension.SECONDS),
        "time since the last Xid error",
        "nvmlEventSetWait (XidCriticalError)",
    ),
    gpu_field(
        "process_count",
        _COUNT,
        "number of processes that use the GPU",
        "nvmlDeviceGetComputeRunningProcesses",
        integer=True,
    ),
    gpu_field("mig", BOOL, "GPU is a MIG instance", "nvmlDeviceIsMigDeviceHandle"),
    gpu_field("healthy", BOOL, "GPU answered at the last poll", "the source", always_known=True),
)
