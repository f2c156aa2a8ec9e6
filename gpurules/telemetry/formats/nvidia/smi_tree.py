"""Builds GPUs with their MIG instances from the tree of ``nvidia-smi -q``, parsed from XML or text.

Tags are in snake case: the headings of the text, converted so, are mostly the tags of the XML.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from xml.etree.ElementTree import Element

from gpurules.model import GPU, Dimension, GPUIndex, GPUProcess
from gpurules.telemetry.formats.cells import read_number, reason_of_absence
from gpurules.telemetry.formats.nvidia.health import REASONS
from gpurules.telemetry.formats.nvidia.query_fields import gpu_from_cells, process_from_cells
from gpurules.telemetry.mig import Instance, with_instances

PATHS: Mapping[str, tuple[str, ...]] = {
    "uuid": ("uuid", "gpu_uuid"),
    "name": ("product_name",),
    "pci.bus_id": ("pci/pci_bus_id", "pci/bus_id"),
    "pstate": ("performance_state",),
    "mig.mode.current": ("mig_mode/current_mig", "mig_mode/current"),
    "memory.total": ("fb_memory_usage/total",),
    "memory.reserved": ("fb_memory_usage/reserved",),
    "memory.used": ("fb_memory_usage/used",),
    "memory.free": ("fb_memory_usage/free",),
    "utilization.gpu": ("utilization/gpu_util", "utilization/gpu"),
    "utilization.memory": ("utilization/memory_util", "utilization/memory"),
    "temperature.gpu": ("temperature/gpu_temp", "temperature/gpu_current_temp"),
    "temperature.memory": ("temperature/memory_temp", "temperature/memory_current_temp"),
    "temperature.gpu.tlimit": ("temperature/gpu_temp_tlimit", "temperature/gpu_t.limit_temp"),
    "power.draw": tuple(
        f"{readings}/{draw}"
        for readings in ("gpu_power_readings", "power_readings")
        for draw in ("power_draw", "average_power_draw", "instant_power_draw", "instantaneous_power_draw")
    ),
    "enforced.power.limit": ("power_readings/enforced_power_limit", "gpu_power_readings/current_power_limit"),
    "power.limit": ("power_readings/power_limit", "gpu_power_readings/requested_power_limit"),
    "clocks.current.sm": ("clocks/sm_clock", "clocks/sm"),
    "clocks.current.memory": ("clocks/mem_clock", "clocks/memory"),
    "fan.speed": ("fan_speed",),
    "pcie.rx": ("pci/rx_util", "pci/rx_throughput"),
    "pcie.tx": ("pci/tx_util", "pci/tx_throughput"),
    "pcie.replays": ("pci/replay_counter", "pci/replays_since_reset"),
    "pcie.link.gen.current": (
        "pci/pci_gpu_link_info/pcie_gen/current_link_gen", "pci/gpu_link_info/pcie_generation/current",
    ),
    "pcie.link.gen.max": ("pci/pci_gpu_link_info/pcie_gen/max_link_gen", "pci/gpu_link_info/pcie_generation/max"),
    "temperature.memory.limit": ("temperature/gpu_temp_max_mem_threshold", "temperature/memory_max_operating_temp"),
    "remapped_rows.correctable": ("remapped_rows/remapped_row_corr", "remapped_rows/correctable_error"),
    "remapped_rows.uncorrectable": ("remapped_rows/remapped_row_unc", "remapped_rows/uncorrectable_error"),
    "remapped_rows.pending": ("remapped_rows/remapped_row_pending", "remapped_rows/pending"),
    "remapped_rows.failure": ("remapped_rows/remapped_row_failure", "remapped_rows/remapping_failure_occurred"),
    "retired_pages.single_bit_ecc.count": (
        "retired_pages/multiple_single_bit_retirement/retired_count", "retired_pages/single_bit_ecc",
    ),
    "retired_pages.double_bit.count": (
        "retired_pages/double_bit_retirement/retired_count", "retired_pages/double_bit_ecc",
    ),
    "retired_pages.pending": (
        "retired_pages/pending_retirement", "retired_pages/pending_blacklist", "retired_pages/pending_page_blacklist",
        "retired_pages/pending_page_retirement",
    ),
    "fabric.state": ("fabric/state",),
    "fabric.status": ("fabric/status",),
} | {
    f"clocks_event_reasons.{reason}": (
        f"clocks_event_reasons/clocks_event_reason_{reason}",
        f"clocks_throttle_reasons/clocks_throttle_reason_{reason}",
        *(
            f"clocks_{word}_reasons/{inside}{reason}"
            for word in ("event", "throttle")
            for inside in ("", "hw_slowdown/")
        ),
    )
    for reason in REASONS
}  # fmt: skip
"""Where each query field stands, in the XML of any schema and in the text; of several the first that has a value."""

_SLOWDOWN = ("temperature/gpu_temp_slow_threshold", "temperature/gpu_slowdown_temp")
_WIDTHS = {
    f"pcie.link.width.{now}": (
        f"pci/pci_gpu_link_info/link_widths/{now}_link_width",
        f"pci/gpu_link_info/link_width/{now}",
    )
    for now in ("current", "max")
}
_IN_SRAM = ("sram_{}", "sram_{}_parity", "sram_{}_secded", "sram_{}_sec-ded")
_ECC: Mapping[str, tuple[str, ...]] = {
    f"ecc.errors.{kind}.volatile.{part}": tuple(f"ecc_errors/volatile/{cell.format(word)}" for cell in cells)
    for kind, word in (("uncorrected", "uncorrectable"), ("corrected", "correctable"))
    for part, cells in (("total", (*_IN_SRAM, "dram_{}")), ("sram", _IN_SRAM), ("dram", ("dram_{}",)))
}
"""The cells whose sum is a count, by the query field of that count."""
_OLD_ECC = {
    f"ecc.errors.{kind}.volatile.{part}": f"ecc_errors/volatile/{bits}/{cell}"
    for kind, bits in (("uncorrected", "double_bit"), ("corrected", "single_bit"))
    for part, cell in (("total", "total"), ("dram", "device_memory"))
}


def elements_at(element: Element, path: str) -> Iterator[Element]:
    """Yield the elements at *path* below *element*."""
    head, _, rest = path.partition("/")
    for child in element:
        if child.tag == head:
            if rest:
                yield from elements_at(child, rest)
            else:
                yield child


def text_at(element: Element, *paths: str) -> str | None:
    """Return the first text at *paths* that is a value, or the first that says why there is none, or None."""
    texts = [(found.text or "").strip() for path in paths for found in elements_at(element, path)]
    return next((text for text in texts if reason_of_absence(text) is None), texts[0] if texts else None)


@dataclass(slots=True)
class _Wanted:
    """The paths to read, by their first tag; *path* is set where one ends."""

    path: str = ""
    below: dict[str, "_Wanted"] = field(default_factory=dict)


def _build_tree(paths: Iterable[str]) -> _Wanted:
    root = _Wanted()
    for path in paths:
        at = root
        for tag in path.split("/"):
            at = at.below.setdefault(tag, _Wanted())
        at.path = path
    return root


def _texts(element: Element, wanted: _Wanted, found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the texts at the requested paths, in one walk."""
    for child in element:
        here = wanted.below.get(child.tag)
        if here is not None:
            if here.path:
                found.setdefault(here.path, []).append((child.text or "").strip())
            if here.below:
                _texts(child, here, found)
    return found


CONFLICTING_TEXTS = "[reported twice]"
"""What stands for a text that is there twice and differs: the device has one."""


def _first(texts: Mapping[str, list[str]], paths: Iterable[str]) -> str | None:
    """Do as ``text_at`` does, with texts that were already found."""
    every = [text for path in paths if path in texts for text in texts[path]]
    if len(every) <= 1:
        return every[0] if every else None
    for path in paths:
        alternatives = texts.get(path, ())
        if len(alternatives) > 1 and len({text for text in alternatives if reason_of_absence(text) is None}) > 1:
            return CONFLICTING_TEXTS
    return next((text for text in every if reason_of_absence(text) is None), every[0])


@lru_cache(maxsize=64)
def _plan(found: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the query fields of the paths *found*, each with its paths, for all trees with the same paths."""
    plan = ((name, tuple(path for path in paths if path in found)) for name, paths in PATHS.items())
    return tuple((name, paths) for name, paths in plan if paths)


def _ecc(found: Mapping[str, list[str]], name: str) -> str | None:
    """Return the errors since the driver was loaded, summed over the memories that report them."""
    old = _first(found, (_OLD_ECC[name],)) if name in _OLD_ECC else None
    if old is not None:
        return old
    texts = [text for path in _ECC[name] if (text := _first(found, (path,))) is not None]
    counts = [count for text in texts if (count := read_number(text, Dimension.NONE)[0]) is not None]
    return str(int(sum(counts))) if counts else next(iter(texts), None)


def _width(found: Mapping[str, list[str]], name: str) -> str | None:
    """Return the number of lanes, which is written as ``16x``."""
    text = _first(found, _WIDTHS[name])
    return None if text is None else text.removesuffix("x")


def _margin(found: Mapping[str, list[str]], cells: Mapping[str, str]) -> str | None:
    """Return the distance to the slowdown limit, computed from the limit if the driver does not report the distance."""
    said = cells.get("temperature.gpu.tlimit")
    if said is not None and reason_of_absence(said) is None:
        return said
    limit, _ = read_number(_first(found, _SLOWDOWN) or "", Dimension.CELSIUS)
    now, _ = read_number(cells.get("temperature.gpu", ""), Dimension.CELSIUS)
    return said if limit is None or now is None else f"{limit - now} C"


@dataclass(frozen=True, slots=True)
class PlacedProcess:
    """A process, with the MIG instance it runs on (both None on a whole GPU)."""

    process: GPUProcess
    gpu_instance: int | None
    compute_instance: int | None


def _whole(text: str | None) -> int | None:
    value, _ = read_number(text or "", Dimension.NONE)
    return value if isinstance(value, int) else None


def _place_process(cells: Mapping[str, str]) -> PlacedProcess | None:
    process = process_from_cells(cells)
    if process is None:
        return None
    return PlacedProcess(process, _whole(cells.get("gpu_instance")), _whole(cells.get("compute_instance")))


_PROCESS_CELLS = {
    "gpu_instance_id": "gpu_instance", "compute_instance_id": "compute_instance", "type": "type",
    "pid": "pid", "process_id": "pid", "process_name": "process_name", "name": "process_name",
    "used_memory": "used_gpu_memory", "used_gpu_memory": "used_gpu_memory",
}  # fmt: skip


def _processes(gpu: Element) -> tuple[PlacedProcess, ...] | None:
    """Return the processes; None if the driver does not list them.

    In the XML each has its own element; in the text its instance precedes it, on the same level.
    """
    processes = gpu.find("processes")
    said = "n/a" if processes is None else (processes.text or "").strip()
    if processes is None or (said and reason_of_absence(said) not in (None, "none")):
        return None
    records: list[dict[str, str]] = []
    pending: dict[str, str] = {}
    for child in processes:
        children = child if child.tag == "process_info" else (child, *child)
        for cell in children:
            if cell.tag in _PROCESS_CELLS:
                pending[_PROCESS_CELLS[cell.tag]] = (cell.text or "").strip()
        if child.tag in ("process_info", "process_id"):
            records.append(pending)
            pending = {}
    return tuple(placed for record in records if (placed := _place_process(record)) is not None)


def _instances(gpu: Element, processes: tuple[PlacedProcess, ...]) -> Iterator[Instance]:
    devices = [*gpu.iterfind("mig_devices/mig_device"), *gpu.iterfind("mig_device")]
    for position, device in enumerate(devices):
        index = _whole(text_at(device, "index"))
        place = (_whole(text_at(device, "gpu_instance_id")), _whole(text_at(device, "compute_instance_id")))
        own = tuple(p.process for p in processes if (p.gpu_instance, p.compute_instance) == place)
        memory = {
            f"memory.{cell}": text
            for cell in ("total", "reserved", "used", "free")
            if (text := text_at(device, f"fb_memory_usage/{cell}", f"shared_fb_memory_usage/{cell}")) is not None
        }
        yield Instance(position if index is None else index, place[0], place[1], gpu_from_cells(memory), own)


_READ = _build_tree(
    [
        *(path for table in (PATHS, _ECC, _WIDTHS) for paths in table.values() for path in paths),
        *_OLD_ECC.values(),
        *_SLOWDOWN,
    ]
)


def gpus_from_tree(root: Element) -> tuple[GPU, ...]:
    """Return every GPU of a query, each before its MIG instances.

    nvidia-smi lists GPUs in the order of their indexes, which it does not print, so the position is the index, unless
    fewer are listed than are attached (``nvidia-smi -i 3``). Then it is the minor number of the device, or the bus id.
    """
    boards = [child for child in root if child.tag == "gpu"]
    attached = _whole(text_at(root, "attached_gpus"))
    is_whole = attached is None or attached <= len(boards)
    indexes = [position if is_whole else _own_index(board, position) for position, board in enumerate(boards)]
    if len(set(indexes)) < len(indexes):
        indexes = list(range(len(boards)))
    return tuple(gpu for index, board in zip(indexes, boards) for gpu in _gpu_from_tree(board, index))


def missing_boards(root: Element) -> str | None:
    """Return a note if a query does not list all attached GPUs, else None."""
    said, listed = text_at(root, "attached_gpus"), sum(1 for child in root if child.tag == "gpu")
    attached = _whole(said)
    if said is None or attached == listed:
        return None
    if attached is None:
        return f"the number of attached GPUs is not a number: {said[:40]!r}; {listed} are listed"
    return f"of {attached} GPUs {listed} are listed, by their minor numbers"


def _own_index(board: Element, position: int) -> GPUIndex:
    minor = _whole(text_at(board, "minor_number"))
    if minor is not None:
        return minor
    bus = board.get("id") or text_at(board, *PATHS["pci.bus_id"])
    return f"bus {bus}" if bus else f"unknown {position}"


def _gpu_from_tree(element: Element, index: GPUIndex) -> tuple[GPU, ...]:
    """Return the GPU that *element* describes, followed by its MIG instances."""
    found = _texts(element, _READ, {})
    cells = {name: text for name, paths in _plan(tuple(found)) if (text := _first(found, paths)) is not None}
    for name, text in (
        *((name, _ecc(found, name)) for name in _ECC),
        *((name, _width(found, name)) for name in _WIDTHS),
        ("temperature.gpu.tlimit", _margin(found, cells)),
    ):
        if text is not None:
            cells[name] = text
    processes = _processes(element)
    gpu = gpu_from_cells(cells, index, processes=None if processes is None else tuple(p.process for p in processes))
    return with_instances(gpu, tuple(_instances(element, processes or ())))
