"""The GPU facts that each source and recording format can provide; others are missing on every node.

What a driver may omit cannot be listed; this table has what a tool never reports, so that a rule that reads such a fact
is found before it is needed.
"""

from collections.abc import Iterable

from gpurules.model.gpu import FLAGS, NUMBERS, THROTTLE

_ALL = frozenset(NUMBERS) | frozenset(FLAGS) | {"fabric_state"}
_MEMORY = frozenset({"memory", "memory_used", "memory_free", "memory_total"})
_LINK = frozenset({"pcie_gen", "pcie_gen_max", "pcie_width", "pcie_width_max"})
_ECC = frozenset(name for name in NUMBERS if name.startswith("ecc_errors"))
_PAGES = frozenset(name for name in (*NUMBERS, *FLAGS) if name.startswith("retired_pages"))
_CSV = _MEMORY | frozenset(THROTTLE) | _LINK | _ECC | _PAGES | {
    "memory_reserved", "utilization", "memory_busy", "temperature", "memory_temperature", "temperature_margin", "power",
    "power_limit", "clock_sm", "clock_memory", "fan_speed", "fabric_state",
}  # fmt: skip
_QUERY = _CSV | {
    "pcie_rx", "pcie_tx", "process_count", "memory_temperature_limit", "pcie_replays", "row_remap_pending",
    "row_remap_failure", "rows_remapped_correctable", "rows_remapped_uncorrectable",
}  # fmt: skip
_DCGM = _ALL - {"temperature_margin", "process_count"}
_XPU_SMI = frozenset(
    {"utilization", "power", "clock_sm", "temperature", "memory_temperature", "memory_used", "memory", "memory_busy"}
)
_AMD_SMI = _MEMORY | {
    "utilization", "memory_busy", "temperature", "memory_temperature", "power", "power_limit", "energy", "clock_sm",
    "clock_memory", "fan_speed", "ecc_errors", "ecc_errors_corrected", "process_count", "pcie_width", "pcie_replays",
}  # fmt: skip
_OF_SOURCES = {
    "nvml": _ALL,
    "nvidia-smi": _QUERY,
    "dcgm": _DCGM,
    "amd": _AMD_SMI,
    "xpu-smi": _XPU_SMI | _MEMORY,
    "intel-sysfs": frozenset({"temperature", "memory_temperature", "energy", "power", "power_limit", "clock_sm"}),
}
_OF_FORMATS = {
    "capture of nvidia-smi commands": _QUERY,
    "nvidia-smi -q -x XML": _QUERY,
    "nvidia-smi -q text": _QUERY,
    "nvidia-smi --query-gpu CSV": _CSV,
    "dcgm-exporter text": _DCGM,
    "nvidia_gpu_exporter text": (_CSV | {"process_count"}) - {"fabric_state"},
    "XPU Manager exporter text": _XPU_SMI,
    "xpu-smi dump CSV": _XPU_SMI,
    "all-smi text": _MEMORY | {
        "utilization", "temperature", "power", "power_limit", "clock_sm", "pcie_gen", "pcie_width",
        "row_remap_pending", "row_remap_failure", "rows_remapped_correctable", "rows_remapped_uncorrectable",
    },
    "intel_gpu_top JSON": frozenset({"utilization", "clock_sm", "power", "process_count"}),
    "amd-smi metric JSON": _AMD_SMI,
    "rocm-smi JSON": _MEMORY | {
        "utilization", "memory_busy", "temperature", "memory_temperature", "power", "power_limit", "clock_sm",
        "clock_memory", "fan_speed",
    },
}  # fmt: skip
_MEASURED = _ALL - {"mig"}


def never_given(source: object, attributes: Iterable[str]) -> frozenset[str]:
    """Return those of *attributes* that *source*, an open source or recording, cannot provide on any node.

    Missing: empty if its coverage is unknown, as for a plug-in, a simulation, or the page of an arbitrary exporter.
    """
    chosen = getattr(source, "last_chosen", None) or str(getattr(source, "name", "")).partition(":")[0]
    given = _OF_FORMATS.get(str(getattr(source, "format", ""))) or _OF_SOURCES.get(chosen)
    return frozenset() if given is None else (_MEASURED & frozenset(attributes)) - given


def sources_giving(attribute: str) -> tuple[str, ...]:
    """Return the live sources that can provide *attribute*.

    >>> sources_giving("xid_age")
    ('nvml', 'dcgm')
    """
    return tuple(name for name, given in _OF_SOURCES.items() if attribute in given)
