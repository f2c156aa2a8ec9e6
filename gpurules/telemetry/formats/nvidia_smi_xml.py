"""What ``nvidia-smi -q -x`` writes, in the schemas v10 to v13."""

import re
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, ParseError, fromstring

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.lines import Line
from gpurules.telemetry.formats.nvidia_smi_tree import gpu_from_tree, text_at
from gpurules.telemetry.formats.recording import Recording
from gpurules.telemetry.formats.times import read_time
from gpurules.telemetry.source import TelemetryError

_END = "</nvidia_smi_log>"
_ENTITY = re.compile(r"<!ENTITY", re.IGNORECASE)


def recognises(head: Sequence[Line]) -> bool:
    """Tell whether a document of nvidia-smi begins here."""
    return any("<nvidia_smi_log" in line.text or "DOCTYPE nvidia_smi_log" in line.text for line in head[:16])


def parse(text: str) -> Element:
    """Return the tree of one document.

    Raises:
        TelemetryError: it is no XML of nvidia-smi, or defines entities of its own, which could expand without bound.
    """
    if _ENTITY.search(text):
        raise TelemetryError("the XML defines entities, which nvidia-smi never does; it is not read")
    try:
        root = fromstring(text.strip())
    except (ParseError, ValueError, LookupError) as error:
        raise TelemetryError(f"no XML: {error}") from None
    if root.tag != "nvidia_smi_log":
        raise TelemetryError(f"the XML is a {root.tag[:40]!r}, not an nvidia_smi_log")
    return root


def gpus_from_xml(root: Element) -> tuple[GPU, ...]:
    """Return every GPU of a document, in the order of nvidia-smi, each before its MIG instances."""
    boards = [child for child in root if child.tag == "gpu"]
    return tuple(gpu for position, board in enumerate(boards) for gpu in gpu_from_tree(board, position))


def _documents(recording: Recording) -> Iterator[tuple[int, str]]:
    """Walk through the documents of a file, of which ``nvidia-smi -l`` writes one after the other."""
    lines: list[Line] = []
    size = 0
    for line in recording.lines:
        lines.append(line)
        size += len(line.text)
        if _END in line.text or size > 1 << 24:
            yield lines[0].number, recording.document(lines)
            lines, size = [], 0
    if any(line.text.strip() for line in lines):
        yield lines[0].number, recording.document(lines)


def read(recording: Recording) -> Iterator[Snapshot]:
    """Walk through the documents; one that is damaged is a problem, and passed over."""
    for number, text in _documents(recording):
        try:
            root = parse(text)
        except TelemetryError as error:
            recording.problem(number, str(error))
            continue
        time = read_time(text_at(root, "timestamp") or "", recording.zone)
        yield Snapshot(
            timestamp=recording.next_time() if time is None else time,
            driver_version=text_at(root, "driver_version"),
            gpus=gpus_from_xml(root),
        )
