"""What ``nvidia-smi -q`` writes for people: headings and values, indented by what belongs to what."""

from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.lines import Line
from gpurules.telemetry.formats.nvidia_smi_tree import gpus_from_tree, text_at
from gpurules.telemetry.formats.recording import Recording

_TITLE = "==NVSMI LOG=="
DEEPEST = 12


def recognises(head: Sequence[Line]) -> bool:
    """Tell whether the title of a query stands near the top."""
    return any(_TITLE in line.text for line in head)


def _tag(text: str) -> str:
    return text.strip().lower().replace(" ", "_")


def parse(lines: Iterable[str]) -> Element:
    """Return the tree of one query; each GPU is a ``gpu`` below the root."""
    root = Element("nvidia_smi_log")
    open_elements: list[tuple[int, Element]] = [(-1, root)]
    for text in lines:
        stripped = text.strip()
        if not stripped or stripped.startswith("=="):
            continue
        indent = len(text) - len(text.lstrip())
        while open_elements[-1][0] >= indent:
            open_elements.pop()
        key, separator, value = stripped.partition(" : ") if not stripped.endswith(" :") else (stripped[:-2], ":", "")
        is_board = indent == 0 and not separator and key.startswith("GPU ")
        element = Element("gpu" if is_board else _tag(key))
        element.text = value.strip()
        if len(open_elements) <= DEEPEST:
            open_elements[-1][1].append(element)
            open_elements.append((indent, element))
    return root


def gpus_from_text(root: Element) -> tuple[GPU, ...]:
    """Return every GPU of a query, each before its MIG instances."""
    return gpus_from_tree(root)


def _snapshot(recording: Recording, lines: list[Line]) -> Snapshot:
    root = parse(line.text for line in lines)
    time = recording.time(text_at(root, "timestamp") or "", lines[0].number)
    return Snapshot(
        timestamp=recording.next_time() if time is None else time,
        driver_version=text_at(root, "driver_version"),
        gpus=gpus_from_text(root),
    )


def read(recording: Recording) -> Iterator[Snapshot]:
    """Walk through the queries of a file, one snapshot each."""
    lines: list[Line] = []
    size = 0
    for line in recording.lines:
        if _TITLE in line.text:
            if lines:
                yield _snapshot(recording, lines)
            lines, size = [], 0
        if not lines and _TITLE not in line.text:
            continue
        lines.append(line)
        size += len(line.text)
        if size > 1 << 24:
            raise recording.error(line.number, "one query is longer than 16 MiB; is this a recording?")
    if lines:
        yield _snapshot(recording, lines)
