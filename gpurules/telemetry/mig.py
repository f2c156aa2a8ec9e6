"""Splits the readings of a partitioned GPU between parent and MIG instances, each quantity in one place.

Memory and processes belong to the instances; power, energy and PCIe to the parent; temperature, clocks and throttling
are chip-wide and are reported for both.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType

from gpurules.model import GPU, GPUProcess
from gpurules.model.gpu import THROTTLE

ON_INSTANCES = "reported for the MIG instances"
ON_PARENT = "reported for the GPU as a whole"
_PARENT_ONLY = (
    "power", "power_limit", "energy", "pcie_rx", "pcie_tx", "nvlink_rx", "nvlink_tx", "ecc_errors",
    "ecc_errors_corrected", "ecc_errors_sram", "ecc_errors_dram", "ecc_errors_corrected_sram",
    "ecc_errors_corrected_dram", "row_remap_pending", "row_remap_failure", "rows_remapped_correctable",
    "rows_remapped_uncorrectable", "retired_pages", "retired_pages_single_bit", "retired_pages_double_bit",
    "retired_pages_pending", "pcie_replays", "pcie_gen", "pcie_gen_max", "pcie_width", "pcie_width_max",
    "nvlink_errors", "fabric_state",
)  # fmt: skip
ON_BOTH = (
    "temperature", "memory_temperature", "memory_temperature_limit", "temperature_margin", "clock_sm", "clock_memory",
    *THROTTLE, "status", "healthy",
)  # fmt: skip
"""Values of the whole chip, which hold for each of its instances."""
OF_THE_CHIP = (*(name for name in ON_BOTH if name not in ("status", "healthy")), *_PARENT_ONLY)
"""What a series of an instance may say about the whole GPU."""
_INSTANCE_ONLY = ("memory", "memory_used", "memory_free", "memory_total", "memory_reserved", "process_count")


@dataclass(frozen=True, slots=True)
class Instance:
    """The facts of one MIG instance itself; ``facts`` holds its memory.

    Missing: ``processes`` None: the source does not list them.
    """

    index: int
    gpu_instance: int | None
    compute_instance: int | None
    facts: GPU
    processes: tuple[GPUProcess, ...] | None = None
    uuid: str | None = None
    profile: str | None = None


def _uuid(parent: GPU, instance: Instance) -> str | None:
    """Return the identity of an instance; without a UUID, the name that drivers before R470 gave it."""
    if instance.uuid is not None or parent.uuid is None or instance.gpu_instance is None:
        return instance.uuid
    return f"MIG-{parent.uuid}/{instance.gpu_instance}/{instance.compute_instance or 0}"


def _on_instance(parent: GPU, instance: Instance) -> GPU:
    facts = instance.facts
    missing = {**{name: ON_PARENT for name in _PARENT_ONLY if getattr(parent, name) is not None}, **facts.missing}
    own = {name: getattr(facts, name) for name in (*_INSTANCE_ONLY, "utilization", "memory_busy", "fan_speed")}
    if instance.processes is not None:
        own["process_count"] = len(instance.processes)
    return replace(
        parent,
        index=f"{parent.index}:{instance.index}",
        uuid=_uuid(parent, instance),
        name=f"{parent.name or 'GPU'} MIG {instance.profile or ''}".strip(),
        mig=True,
        labels={**parent.labels, **facts.labels},
        **{**dict.fromkeys(_PARENT_ONLY), **own},
        processes=instance.processes or (),
        missing=MappingProxyType(missing),
    )


def with_instances(parent: GPU, instances: tuple[Instance, ...]) -> tuple[GPU, ...]:
    """Return *parent* and its instances; a GPU without instances is unchanged.

    >>> parent = GPU(index=0, memory_used=9, memory_total=10, power=300)
    >>> whole, part = with_instances(parent, (Instance(0, 1, 0, GPU(memory_used=4, memory_total=5)),))
    >>> (whole.memory_used, whole.power, part.index, part.memory_used, part.power)
    (None, 300, '0:0', 4, None)
    """
    if not instances:
        return (parent,)
    known = [name for name in _INSTANCE_ONLY if any(getattr(i.facts, name) is not None for i in instances)]
    stripped = {name: None for name in _INSTANCE_ONLY if name in known or getattr(parent, name) is not None}
    whole = replace(
        parent,
        mig=False,
        **dict.fromkeys(stripped),  # type: ignore[arg-type]
        processes=(),
        missing=MappingProxyType({**parent.missing, **dict.fromkeys(stripped, ON_INSTANCES)}),
    )
    return (whole, *(_on_instance(parent, instance) for instance in instances))
