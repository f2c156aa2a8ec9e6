"""The metrics of nvidia_gpu_exporter, as Prometheus samples: the query fields of nvidia-smi in base units.

Source: https://github.com/utkuozdemir/nvidia_gpu_exporter
"""

from collections.abc import Iterable, Mapping, Sequence

from gpurules.model import GPU, GPUProcess
from gpurules.telemetry.formats.cells import Number
from gpurules.telemetry.formats.nvidia.health import REASONS, reasons_of_bitmask, throttle_flags, with_page_total
from gpurules.telemetry.formats.prometheus.exporter import Exporter
from gpurules.telemetry.formats.prometheus.samples import Sample, metric_name
from gpurules.telemetry.recordings.lines import Line

PREFIX = "nvidia_smi_"
METRICS = {
    "memory_total": ("memory_total_bytes",),
    "memory_used": ("memory_used_bytes",),
    "memory_free": ("memory_free_bytes",),
    "memory_reserved": ("memory_reserved_bytes",),
    "utilization": ("utilization_gpu_ratio",),
    "memory_busy": ("utilization_memory_ratio",),
    "temperature": ("temperature_gpu",),
    "memory_temperature": ("temperature_memory",),
    "temperature_margin": ("temperature_gpu_tlimit",),
    "power": ("power_draw_watts", "power_draw_average_watts", "power_draw_instant_watts"),
    "power_limit": ("enforced_power_limit_watts", "power_limit_watts"),
    "clock_sm": ("clocks_current_sm_clock_hz",),
    "clock_memory": ("clocks_current_memory_clock_hz",),
    "fan_speed": ("fan_speed_ratio",),
    "ecc_errors": ("ecc_errors_uncorrected_volatile_total",),
    "process_count": ("compute_apps",),
    "ecc_errors_corrected": ("ecc_errors_corrected_volatile_total",),
    "ecc_errors_sram": ("ecc_errors_uncorrected_volatile_sram",),
    "ecc_errors_dram": ("ecc_errors_uncorrected_volatile_dram", "ecc_errors_uncorrected_volatile_device_memory"),
    "ecc_errors_corrected_sram": ("ecc_errors_corrected_volatile_sram",),
    "ecc_errors_corrected_dram": (
        "ecc_errors_corrected_volatile_dram", "ecc_errors_corrected_volatile_device_memory",
    ),
    "retired_pages_single_bit": ("retired_pages_single_bit_ecc_count",),
    "retired_pages_double_bit": ("retired_pages_double_bit_count",),
    "pcie_gen": ("pcie_link_gen_gpucurrent", "pcie_link_gen_current"),
    "pcie_gen_max": ("pcie_link_gen_max",),
    "pcie_width": ("pcie_link_width_current",),
    "pcie_width_max": ("pcie_link_width_max",),
}  # fmt: skip
_EVENTS = ("clocks_event_reasons_", "clocks_throttle_reasons_")


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether any of the samples is from this exporter; pages start with those of the program itself."""
    return any(metric_name(line.text).startswith(PREFIX) for line in head)


def is_metric(name: str) -> bool:
    """Return whether a metric is from this exporter."""
    return name.startswith(PREFIX)


def _uuid(text: str) -> str:
    """Return the UUID as the driver writes it; the exporter omits its first part."""
    return text if text.startswith(("GPU-", "MIG-")) else f"GPU-{text}"


def _number(name: str, value: float) -> Number:
    if name.endswith("_ratio"):
        value = round(value * 100, 9)
    return int(value) if value.is_integer() else value


def _throttle(values: dict[str, float | None]) -> dict[str, bool | None]:
    for prefix in _EVENTS:
        mask = values.get(f"{prefix}active")
        flags = {} if mask is None or not 0 <= mask < 1 << 16 else reasons_of_bitmask(int(mask))
        for reason in REASONS:
            flag = values.get(prefix + reason)
            if flag is not None:
                flags[reason] = bool(flag)
        if flags:
            return throttle_flags(flags)
    return {}


def _processes(samples: list[Sample]) -> tuple[GPUProcess, ...]:
    infos = [sample.labels for sample in samples if sample.name == f"{PREFIX}compute_app_info"]
    used = {
        sample.labels.get("pid"): sample.value
        for sample in samples
        if sample.name == f"{PREFIX}compute_app_used_memory_bytes" and sample.value is not None and sample.value >= 0
    }
    return tuple(
        GPUProcess(
            int(info["pid"]),
            info.get("process_name"),
            None if (memory := used.get(info["pid"])) is None else int(memory),
        )
        for info in infos
        if info.get("pid", "").isdecimal() and len(info["pid"]) < 12
    )


def _gpu(uuid: str, samples: list[Sample], position: int) -> GPU:
    values = {sample.name.removeprefix(PREFIX): sample.value for sample in samples}
    info: Mapping[str, str] = next((sample.labels for sample in samples if sample.name == f"{PREFIX}gpu_info"), {})
    facts: dict[str, Number] = {}
    for attribute, names in METRICS.items():
        found = next(((n, v) for n in names if (v := values.get(n)) is not None), None)
        if found is not None:
            facts[attribute] = _number(*found)
    with_page_total(facts)
    pending = values.get("retired_pages_pending")
    index = info.get("index", "")
    return GPU(
        index=int(index) if index.isdecimal() and len(index) < 10 else position,
        uuid=_uuid(uuid),
        name=info.get("name"),
        vendor="nvidia",
        status="ok",
        mig=False,
        labels={"pci_bus_id": info["pci_bus_id"]} if "pci_bus_id" in info else {},
        processes=_processes(samples),
        retired_pages_pending=None if pending is None else pending != 0,
        **{**facts, **_throttle(values)},  # type: ignore[arg-type]
    )


def gpus_from_samples(samples: Iterable[Sample]) -> tuple[GPU, ...]:
    """Return the GPUs of a scrape.

    Missing: what the exporter omits because nvidia-smi reports ``[N/A]``.
    """
    by_gpu: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.name.startswith(PREFIX) and "uuid" in sample.labels:
            by_gpu.setdefault(sample.labels["uuid"], []).append(sample)
    return tuple(_gpu(uuid, own, position) for position, (uuid, own) in enumerate(by_gpu.items()))


def _driver(samples: Sequence[Sample]) -> str | None:
    infos = (sample.labels for sample in samples if sample.name == f"{PREFIX}gpu_info")
    return next((version for info in infos if (version := info.get("driver_version"))), None)


EXPORTER = Exporter("nvidia_gpu_exporter", is_metric, gpus_from_samples, _driver)
