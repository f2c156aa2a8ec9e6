"""The text output of ``nvidia-smi -q``: headings and values, nested by indentation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.nvidia.smi_tree import gpus_from_tree, missing_boards, text_at
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import MAX_DOCUMENT, RecordingReader

_TITLE = "==NVSMI LOG=="
_TIME, _TOP = "Timestamp ", 64
"""The line of the time, and how many lines of a query are looked at for it."""
DEEPEST = 12


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether the title of a query is near the top."""
    return any(_TITLE in line.text for line in head)


def _tag(text: str) -> str:
    return text.strip().lower().replace(" ", "_")


def parse(lines: Iterable[str], complain: Callable[[str], None] = lambda text: None) -> Element:
    """Return the tree of one query; each GPU is a ``gpu`` below the root.

    *complain* is called with lines that are not part of it, such as warnings.
    """
    root = Element("nvidia_smi_log")
    open_elements: list[tuple[int, Element]] = [(-1, root)]
    for text in lines:
        stripped = text.strip()
        if not stripped or stripped.startswith("=="):
            continue
        indent = len(text) - len(text.lstrip())
        key, separator, value = stripped.partition(" : ") if not stripped.endswith(" :") else (stripped[:-2], ":", "")
        if "   " in key.strip() or "   " in value.strip():
            complain(stripped)  # two merged lines
        is_board = indent == 0 and not separator and key.startswith("GPU ")
        element = Element("gpu" if is_board else _tag(key))
        element.text = value.strip()
        if indent == 0 and not is_board:  # it has no children, so what follows still belongs to the GPU
            root.append(element)
            if not separator:
                complain(stripped)
            continue
        while open_elements[-1][0] >= indent:
            open_elements.pop()
        if len(open_elements) <= DEEPEST:
            open_elements[-1][1].append(element)
            open_elements.append((indent, element))
    return root


def gpus_from_text(root: Element) -> tuple[GPU, ...]:
    """Return every GPU of a query, each before its MIG instances."""
    return gpus_from_tree(root)


def _snapshot(recording: RecordingReader, lines: list[Line]) -> Snapshot:
    number = lines[0].number
    root = parse(
        (line.text for line in lines),
        lambda text: recording.problem(number, f"not part of the query that begins here: {text[:80]!r}"),
    )
    why = missing_boards(root)
    if why is not None:
        recording.notice(number, why)
    time = recording.time(text_at(root, "timestamp") or "", number)
    return Snapshot(
        timestamp=recording.next_time() if time is None else time,
        driver_version=text_at(root, "driver_version"),
        gpus=gpus_from_text(root),
    )


def _begins(line: Line, lines: Sequence[Line]) -> bool:
    """Return whether a line starts a query, by its title or, if that is damaged, by another time."""
    return _TITLE in line.text or (
        line.text.startswith(_TIME) and any(other.text.startswith(_TIME) for other in lines[:_TOP])
    )


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield one snapshot for each query of a file."""
    lines: list[Line] = []
    size = 0
    for line in recording.lines:
        if _begins(line, lines):
            if lines:
                yield _snapshot(recording, lines)
            lines, size = [], 0
        elif not lines:
            if line.text.strip():
                recording.problem(line.number, f"not part of a query: {line.text.strip()[:80]!r}")
            continue
        if line.is_cut_off and line.text:
            recording.problem(
                line.number, f"the last line has no line ending, so it may be cut off: {line.text[-60:]!r}"
            )
            continue
        lines.append(line)
        size += len(line.text)
        if size > MAX_DOCUMENT:
            raise recording.error(line.number, "one query is longer than 16 MiB; is this a recording?")
    if lines:
        yield _snapshot(recording, lines)
