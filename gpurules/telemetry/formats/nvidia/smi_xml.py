"""The output of ``nvidia-smi -q -x``, in the schemas v10 to v13."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, fromstring

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.nvidia.smi_tree import gpus_from_tree, missing_boards, text_at
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import MAX_DOCUMENT, RecordingReader
from gpurules.telemetry.source import TelemetryError

_START, _END = "<nvidia_smi_log>", "</nvidia_smi_log>"
_MARK = re.compile(r"<\?xml\b|<nvidia_smi_log>|</nvidia_smi_log>")
_ENTITY = re.compile(r"<!ENTITY", re.IGNORECASE)
_PROLOG = re.compile(r"(?:<\?xml[^>]*\?>)?\s*(?:<!DOCTYPE[^>]*>?)?")


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether a document of nvidia-smi starts here."""
    return any("<nvidia_smi_log" in line.text or "DOCTYPE nvidia_smi_log" in line.text for line in head)


def parse(text: str) -> Element:
    """Return the tree of one document.

    Raises:
        TelemetryError: it is not XML of nvidia-smi, or defines entities of its own, which could expand without bound.
    """
    if _ENTITY.search(text):
        raise TelemetryError("the XML defines entities, which nvidia-smi never does; it is not read")
    try:
        root = fromstring(text.strip())
    except (ParseError, ValueError, LookupError) as error:
        raise TelemetryError(f"not XML: {error}") from None
    if root.tag != "nvidia_smi_log":
        raise TelemetryError(f"the XML is a {root.tag[:40]!r}, not an nvidia_smi_log")
    return root


def parse_output(text: str) -> Element:
    """Return the tree of the last complete document in a program's output; lines around it are ignored.

    Raises:
        TelemetryError: there is no complete document, or it is not XML of nvidia-smi.
    """
    end = text.rfind(_END)
    start = text.rfind(_START, 0, end) if end >= 0 else text.rfind(_START)
    if start < 0:
        return parse(text)
    if end < 0:
        raise TelemetryError("the XML is cut off: it does not end")
    return parse(text[start : end + len(_END)])


def gpus_from_xml(root: Element) -> tuple[GPU, ...]:
    """Return every GPU of a document, in the order of nvidia-smi, each before its MIG instances."""
    return gpus_from_tree(root)


@dataclass(slots=True)
class _Cutter:
    """Splits a text into documents; text between them belongs to none.

    A truncated document, or one mixed with another, is lost alone: the next start begins a new one.
    """

    recording: RecordingReader
    parts: list[str] = field(default_factory=list)
    number: int = 0
    has_root: bool = False
    size: int = 0

    def take(self, line: Line) -> Iterator[tuple[int, str]]:
        """Process one more line; yield the documents that end in it."""
        at = 0
        for mark in _MARK.finditer(line.text):
            self.keep(line, line.text[at : mark.start()], is_part=True)
            at = mark.start()
            if mark[0] == _END:
                at = mark.end()
                yield from self._end_document(line)
            elif mark[0] == _START and self.parts and not self.has_root:
                self.has_root = True
            else:
                self._restart(line, mark[0] == _START)
        self.keep(line, line.text[at:], is_part=self.parts == [])

    def _end_document(self, line: Line) -> Iterator[tuple[int, str]]:
        if not self.has_root:
            self.recording.problem(line.number, "the end of a document without a beginning")
        else:
            self.parts.append(_END)
            yield self.number, "\n".join(self.parts)
        self.parts, self.has_root, self.size = [], False, 0

    def _restart(self, line: Line, has_root: bool) -> None:
        if self.has_root:
            self.cut()
        self.parts, self.number, self.has_root, self.size = [""], line.number, has_root, 0

    def cut(self) -> None:
        """Report the current document, which has no end."""
        if self.has_root:
            self.recording.problem(self.number, "the document is cut off: it does not end before the next one begins")

    def keep(self, line: Line, text: str, is_part: bool = False) -> None:
        """Process a text in which no document starts or ends."""
        if not self.parts:
            if (stray := text.strip()) and not _PROLOG.fullmatch(stray):
                self.recording.problem(line.number, f"not part of a document: {stray[:80]!r}")
            return
        self.size += len(text) + 1
        if self.size > MAX_DOCUMENT:
            raise self.recording.error(line.number, "one document is longer than 16 MiB; split the file")
        if is_part:
            self.parts[-1] += text
        else:
            self.parts.append(text)


def documents(recording: RecordingReader) -> Iterator[tuple[int, str]]:
    """Yield the documents of a file, which ``nvidia-smi -l`` writes one after the other, with their lines."""
    cutter = _Cutter(recording)
    for line in recording.lines:
        if "nvidia_smi_log>" in line.text or "<?xml" in line.text:
            yield from cutter.take(line)
        else:
            cutter.keep(line, line.text)
    if cutter.has_root:
        recording.problem(cutter.number, "the document is cut off: the file ends before it does")


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield the snapshots; a damaged document is reported as a problem and skipped."""
    for number, text in documents(recording):
        try:
            root = parse(text)
        except TelemetryError as error:
            recording.problem(number, str(error))
            continue
        why = missing_boards(root)
        if why is not None:
            recording.notice(number, why)
        time = recording.time(text_at(root, "timestamp") or "", number)
        yield Snapshot(
            timestamp=recording.next_time() if time is None else time,
            driver_version=text_at(root, "driver_version"),
            gpus=gpus_from_xml(root),
        )
