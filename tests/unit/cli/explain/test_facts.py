import io
import time
from pathlib import Path

import click
import pytest

from gpurules.cli.explain.facts import read_facts
from gpurules.fields import Scope, declared_field
from gpurules.model import Snapshot


def test_facts_come_from_a_file_or_are_the_json_itself(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('\ufeff{"id": "t-1", "size": 5}')
    facts = read_facts(
        {
            "snapshot": '{"timestamp": 3, "gpus": [{"index": 0}]}',
            "transfer": str(path),
            "workload": '{"id": "w"}',
            "node": '{"pending_transfers": 2}',
        }
    )
    assert (facts.snapshot.timestamp, facts.snapshot.gpu_count) == (3, 1)
    assert facts.transfer is not None and facts.transfer.size == 5
    assert facts.workload is not None and facts.workload.id == "w"
    assert facts.node == {"pending_transfers": 2}


def test_what_is_not_given_is_missing() -> None:
    facts = read_facts({}, now=7)
    assert (facts.snapshot, facts.transfer, facts.workload, facts.node) == (Snapshot(timestamp=7), None, None, None)


def test_a_snapshot_without_a_time_is_of_now() -> None:
    before = time.time()
    facts = read_facts({"snapshot": "{}", "transfer": '{"age": "1h"}'})
    assert before <= facts.snapshot.timestamp <= time.time()
    assert not facts.is_timed
    assert facts.transfer is not None and facts.transfer.created == facts.snapshot.timestamp - 3600


def test_everything_that_is_wrong_is_said_with_its_option() -> None:
    with pytest.raises(click.UsageError) as caught:
        read_facts({"snapshot": '{"gpu": []}', "transfer": '{"size": "4C"}'})
    assert caught.value.message.splitlines() == [
        "--snapshot: gpu: a snapshot has no 'gpu'; did you mean 'gpus'?",
        "--transfer: size: transfer_size is in bytes, and 4C is in celsius; write 4GiB",
    ]


def test_declared_fields_are_facts_too() -> None:
    declared = {"rack": declared_field("rack", "string", scope=Scope.NODE)}
    assert read_facts({"node": '{"rack": "r1"}'}, declared).node == {"rack": "r1"}


def test_stdin_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"timestamp": 7}')))
    assert read_facts({"snapshot": "-"}).snapshot.timestamp == 7


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("/none.json", "No such file"),
        ("{", "not JSON"),
        ('{"gpus": 3}', "gpus: expected a list"),
        ("{}\n{}", "there is extra data at line 2"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"timestamp": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_what_cannot_be_read_is_wrong_usage(given: str, said: str) -> None:
    with pytest.raises(click.UsageError, match=said) as caught:
        read_facts({"snapshot": given})
    assert caught.value.message.startswith("--snapshot: ")


def test_bytes_that_are_not_utf8_are_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(click.UsageError, match="not JSON"):
        read_facts({"snapshot": str(path)})


def test_stdin_can_be_read_only_once() -> None:
    with pytest.raises(click.UsageError, match="only once"):
        read_facts({"snapshot": "-", "transfer": "-"})
