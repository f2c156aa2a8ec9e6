"""JSON documents in a text: one a line or pretty-printed, with warnings between, cut off, or damaged."""

import json
from typing import Any

import pytest

from gpurules.telemetry.formats.json_documents import documents
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader

REPORT = {"card0": {"GPU use (%)": "7", "Card Series": 'a "{[" in a name \\'}}
PRETTY, FLAT = json.dumps(REPORT, indent=2), json.dumps(REPORT)
LIST = json.dumps([{"gpu": 0, "values": [1, [2]]}, {"gpu": 1}], indent=4)


def read(text: str) -> tuple[list[Any], RecordingReader]:
    recording = RecordingReader("x", iter([Line(n, line) for n, line in enumerate(text.splitlines(), start=1)]))
    return [document for _, document in documents(recording)], recording


@pytest.mark.parametrize("first", [PRETTY, FLAT])
@pytest.mark.parametrize("second", [PRETTY, FLAT])
@pytest.mark.parametrize("between", ["", "\n", "\n\n\n"])
def test_documents_one_after_the_other_are_read(first: str, second: str, between: str) -> None:
    found, recording = read(f"{first}\n{between}{second}")
    assert (found, recording.problem_count) == ([REPORT, REPORT], 0)


@pytest.mark.parametrize("warning", ["WARNING: low power", 'ERROR:root:Expected integer, got ""', "[W] {x} is odd"])
@pytest.mark.parametrize("document", [PRETTY, FLAT])
def test_a_warning_before_or_after_a_document_costs_itself_and_is_reported(warning: str, document: str) -> None:
    found, recording = read(f"{warning}\n{document}\n{warning}\n{document}\n{warning}\n")
    assert (found, recording.problem_count) == ([REPORT, REPORT], 3)
    assert recording.problems[0].startswith("x:1: not JSON: ")


def test_a_document_cut_off_at_any_line_costs_only_itself() -> None:
    lines = LIST.splitlines()
    for kept in range(1, len(lines)):
        found, recording = read("\n".join([*lines[:kept], *lines]))
        assert (found, recording.problem_count) == ([json.loads(LIST)], 1), kept


def test_a_damaged_document_is_named_with_its_first_line() -> None:
    found, recording = read(f"{FLAT}\n{FLAT.replace(':', ';')}\n{FLAT}")
    assert (found, len(recording.problems)) == ([REPORT, REPORT], 1)
    assert recording.problems[0].startswith("x:2: not JSON: ")


def test_an_object_of_a_list_at_the_margin_begins_no_document() -> None:
    found, recording = read('[\n{"gpu": 0},\n{"gpu": 1}\n]')
    assert (found, recording.problem_count) == ([[{"gpu": 0}, {"gpu": 1}]], 0)
