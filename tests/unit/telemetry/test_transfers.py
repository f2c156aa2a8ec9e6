"""Reading lists of transfers."""

import pytest

from gpurules.model import Transfer, Workload
from gpurules.telemetry import TelemetryError, read_transfers


def test_a_line_is_a_transfer_or_a_transfer_with_its_workload(tmp_path):
    path = tmp_path / "transfers.jsonl"
    path.write_text(
        '{"id": "a", "size": 5}\n\n{"transfer": {"id": "b"}, "workload": {"id": "w", "type": "training"}}\n'
    )
    assert list(read_transfers(path)) == [
        (Transfer(id="a", size=5), None),
        (Transfer(id="b"), Workload(id="w", type="training")),
    ]


def test_bad_lines_are_counted_with_their_place(tmp_path):
    path = tmp_path / "transfers.jsonl"
    path.write_text('{"id": "a"}\n{torn\n[1]\n{"transfer": 3}\n{"transfer": {}, "workload": []}\n')
    found = read_transfers(path)
    assert [transfer.id for transfer, _ in found] == ["a"]
    assert found.problem_count == 4
    assert [problem.split(": ")[0] for problem in found.problems] == [f"{path}:{line}" for line in (2, 3, 4, 5)]


def test_a_list_without_any_transfer_is_an_error(tmp_path):
    path = tmp_path / "transfers.jsonl"
    path.write_text("hello\n")
    with pytest.raises(TelemetryError, match="has no transfer that can be read; "):
        list(read_transfers(path))


def test_an_empty_list_has_no_transfers(tmp_path):
    path = tmp_path / "transfers.jsonl"
    path.write_text("")
    assert list(read_transfers(path)) == []


def test_a_list_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(TelemetryError, match="no such file"):
        list(read_transfers(tmp_path / "gone"))
