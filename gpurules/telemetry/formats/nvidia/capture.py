"""A capture: a file with the raw output of several nvidia-smi commands, in sections, for one phase or more.

A section starts with a frame of ``#`` around ``# phase :: title`` and ``# $ command``. Each phase except
``capabilities`` is one snapshot.

Source: https://github.com/utkuozdemir/nvidia_gpu_exporter, internal/captures.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gpurules.model import GPU, GPUProcess, Snapshot
from gpurules.telemetry.formats.nvidia import smi_text
from gpurules.telemetry.formats.nvidia.csv import log
from gpurules.telemetry.formats.nvidia.csv.header import read_columns, split
from gpurules.telemetry.formats.nvidia.query_fields import process_from_cells
from gpurules.telemetry.mig import ON_BOTH
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import MAX_DOCUMENT, RecordingReader

_TITLE = re.compile(r"# (\w+) :: (.+)")
_MIG = re.compile(r"\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)\s]+)\)")
_BOARD = re.compile(r"GPU (\d+): ")
CAPABILITIES = "capabilities"


def _is_frame(text: str) -> bool:
    return len(text) >= 20 and not text.strip("#")


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether the file starts with a frame of ``#``."""
    first = next((line for line in head if line.text.strip()), None)
    return first is not None and _is_frame(first.text.rstrip())


@dataclass(frozen=True, slots=True)
class CaptureSection:
    """The output of one command."""

    phase: str
    command: str
    lines: list[Line] = field(default_factory=list)


def _sections(recording: RecordingReader) -> Iterator[CaptureSection]:
    section: CaptureSection | None = None
    in_frame, phase, command, size = False, "", "", 0
    for line in recording.lines:
        text = line.text.rstrip()
        if _is_frame(text):
            in_frame = not in_frame
            if in_frame:
                if section is not None:
                    yield section
                section, phase, command, size = None, "", "", 0
            elif phase:
                section = CaptureSection(phase, command)
        elif in_frame:
            title = _TITLE.fullmatch(text)
            phase, command = (title[1], command) if title else (phase, text[4:] if text.startswith("# $ ") else command)
        elif section is not None:
            section.lines.append(line)
            size += len(text)
            if size > MAX_DOCUMENT:
                raise recording.error(line.number, "one section is longer than 16 MiB; split the file")
    if section is not None:
        yield section


@dataclass(slots=True)
class _Phase:
    """The combined sections of one phase."""

    name: str
    snapshot: Snapshot | None = None
    queried: tuple[GPU, ...] = ()
    processes: dict[str, list[GPUProcess]] | None = None


def _processes(recording: RecordingReader, lines: list[Line]) -> dict[str, list[GPUProcess]]:
    """Return the compute processes by the UUID of their GPU."""
    found: dict[str, list[GPUProcess]] = {}
    rows = (split(line.text) for line in lines if line.text.strip())
    header = next(rows, None)
    table = None if header is None else read_columns(header)
    for row in rows if table is not None else ():
        cells = table.cells(row) if table is not None else None
        process = None if cells is None else process_from_cells(cells)
        if cells is None or process is None:
            recording.problem(lines[0].number, f"not a process: {', '.join(row)[:80]!r}")
            continue
        found.setdefault(cells.get("uuid", ""), []).append(process)
    return found


def _instance_names(lines: list[Line]) -> dict[str, tuple[str, str]]:
    """Return profile and UUID of each MIG instance that ``nvidia-smi -L`` lists, by index."""
    names: dict[str, tuple[str, str]] = {}
    board = "0"
    for line in lines:
        at_board, at_instance = _BOARD.match(line.text), _MIG.match(line.text)
        if at_board:
            board = at_board[1]
        elif at_instance:
            names[f"{board}:{at_instance[2]}"] = (at_instance[1], at_instance[3])
    return names


def _merge(board: GPU, phase: _Phase, names: Mapping[str, tuple[str, str]]) -> tuple[GPU, ...]:
    """Return the query's data for one GPU, with its processes, and PCIe and MIG data that only ``-q`` reports."""
    queried_board = next((gpu for gpu in phase.queried if gpu.index == board.index and not gpu.mig), None)
    parts = [gpu for gpu in phase.queried if gpu.mig and str(gpu.index).startswith(f"{board.index}:")]
    if phase.processes is not None:
        own = tuple(phase.processes.get(board.uuid or "", ()))
        board = replace(board, processes=own, process_count=len(own))
    if queried_board is not None:
        board = replace(board, pcie_rx=queried_board.pcie_rx, pcie_tx=queried_board.pcie_tx, mig=queried_board.mig)
    if not parts or queried_board is None:
        return (board,)
    moved = {
        name: queried_board.missing[name]
        for name in queried_board.missing
        if getattr(queried_board, name, None) is None
    }
    whole = replace(
        board,
        **{name: None for name in moved if hasattr(board, name)},  # type: ignore[arg-type]
        processes=(),
        missing={**board.missing, **moved},
    )
    chip = {name: getattr(board, name) for name in ON_BOTH}
    return (whole, *(_with_names(replace(part, **chip), board, names) for part in parts))


def _with_names(instance: GPU, board: GPU, names: Mapping[str, tuple[str, str]]) -> GPU:
    profile, uuid = names.get(str(instance.index), (None, instance.uuid))
    return replace(instance, name=f"{board.name or 'GPU'} MIG {profile or ''}".strip(), uuid=uuid)


def _take(phase: _Phase, section: CaptureSection, recording: RecordingReader) -> None:
    if "--query-gpu" in section.command:
        part = recording.part(section.lines)
        phase.snapshot = next(log.read(part), None)
        recording.absorb(part)
    elif "--query-compute-apps" in section.command:
        phase.processes = _processes(recording, section.lines)
    elif section.command.endswith("nvidia-smi -q"):
        phase.queried = smi_text.gpus_from_text(smi_text.parse(line.text for line in section.lines))


def _finish(phase: _Phase, names: Mapping[str, tuple[str, str]]) -> Iterator[Snapshot]:
    if phase.snapshot is not None:
        gpus = tuple(gpu for board in phase.snapshot.gpus for gpu in _merge(board, phase, names))
        yield replace(phase.snapshot, gpus=gpus, labels={"phase": phase.name})


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield one snapshot for each phase of a capture; the phase is in the labels."""
    names: dict[str, tuple[str, str]] = {}
    phase: _Phase | None = None
    for section in _sections(recording):
        if section.phase == CAPABILITIES:
            if section.command.endswith("nvidia-smi -L"):
                names = _instance_names(section.lines)
            continue
        if phase is None or phase.name != section.phase:
            if phase is not None:
                yield from _finish(phase, names)
            phase = _Phase(section.phase)
        _take(phase, section, recording)
    if phase is not None:
        yield from _finish(phase, names)
