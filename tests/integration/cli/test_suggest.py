"""``run --suggest``: a search of the node's own history in a process of its own; its proposal is published, no more."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpurules import GPU, Coordinator, Snapshot, loads
from gpurules.cli.run import suggestions
from gpurules.cli.run.suggestions import SuggestionWish, search, suggestions_of
from gpurules.errors import GpurulesError
from gpurules.service.state.recorder import Recorder
from tests.integration.cli.conftest import Program
from tests.waiting import wait_until

RULES = """\
version: 1
name: mine
signals: {heat: {condition: gpu_temperature > 95C}}
rules: [{name: slow, condition: heat, action: pause_transfer}]
"""
WISH = SuggestionWish("mine.yaml", "store", ("heat.on_share <= 2%",), ())
PROPOSED = {
    "proposal": {"values": {"heat.condition": 86.0}, "measures": [{"goal": "heat.on_share <= 2%"}]},
    "patch": "--- a",
}


class OneGPU:
    name = "fixed"

    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> Snapshot:
        self.now += 1
        return Snapshot(timestamp=self.now, gpus=(GPU(index=0, uuid="GPU-0", temperature=40),))

    def close(self) -> None: ...


@pytest.fixture
def coordinator() -> Iterator[Coordinator]:
    made = Coordinator(loads(RULES), OneGPU())
    yield made
    made.stop()


def runs(monkeypatch: pytest.MonkeyPatch, program: str, first: float = 0.0) -> None:
    """Let a search be a program of Python, and the first one begin after *first* seconds."""
    monkeypatch.setattr(SuggestionWish, "command", lambda _: [sys.executable, "-c", program])
    monkeypatch.setattr(suggestions, "FIRST", first)


def prints(data: object, code: int = 0) -> str:
    return f"import sys; sys.stdout.write({json.dumps(data)!r}); sys.exit({code})"


def test_a_proposal_is_in_the_status_and_an_event_and_changes_no_rule(
    coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs(monkeypatch, prints(PROPOSED))
    recorder = Recorder(coordinator, 1)
    before = coordinator.engine.ruleset
    with suggestions_of(WISH, coordinator):
        wait_until(lambda: coordinator.proposal is not None)
    proposal = coordinator.status().to_dict()["proposal"]
    assert isinstance(proposal, dict)
    assert proposal["values"] == {"heat.condition": 86.0} and proposal["ruleset_version"] == before.version
    assert "patch" not in proposal, "its context may hold what is secret in the file"
    assert coordinator.engine.ruleset is before
    recorder.note(coordinator.poll())
    recorder.note(coordinator.poll())
    events = [event for event in recorder.events.after(0, 100) if event["kind"] == "proposal"]
    assert len(events) == 1 and events[0]["values"] == {"heat.condition": 86.0}
    assert "heat.condition 86" in capsys.readouterr().err


def test_a_proposal_for_another_version_is_not_shown(coordinator: Coordinator) -> None:
    coordinator.proposal = {"ruleset_version": "another", "values": {}, "measures": []}
    assert coordinator.status().to_dict()["proposal"] is None


@pytest.mark.parametrize(
    "program", [prints({"proposal": None, "patch": None}, 1), prints({**PROPOSED, "patch": None}), prints([], 1)]
)
def test_where_the_history_supports_no_change_nothing_is_proposed(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    runs(monkeypatch, program)
    assert search(WISH, threading.Event()) is None


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; print('gpurules: store: no such store', file=sys.stderr); sys.exit(2)", "store: no such store"),
        ("import os; os.kill(os.getpid(), 9)", "ended without a reason"),
    ],
)
def test_a_search_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, program: str, said: str) -> None:
    runs(monkeypatch, program)
    with pytest.raises(GpurulesError, match=said):
        search(WISH, threading.Event())


def test_a_search_that_fails_leaves_the_agent_alone(
    coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs(monkeypatch, "import sys; print('the disk is gone', file=sys.stderr); sys.exit(2)")
    monkeypatch.setattr(suggestions, "DAY", 0.05)
    done = threading.Event()
    monkeypatch.setattr(suggestions, "search", counted(suggestions.search, 3, done))
    with suggestions_of(WISH, coordinator):
        assert done.wait(20)
        assert coordinator.poll().snapshot is not None
    assert capsys.readouterr().err.count("the disk is gone") == 1, "said once, not once a day"


def counted(function: object, times: int, done: threading.Event) -> object:
    calls = []

    def call(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) > times:
            done.set()
        return function(*arguments)  # type: ignore[operator]

    return call


def test_the_end_of_the_agent_ends_a_search(coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "import time; time.sleep(300)")
    began = time.monotonic()
    with suggestions_of(WISH, coordinator):
        time.sleep(0.2)  # the search is a process by now, and prints nothing
    assert time.monotonic() - began < 10
    assert not [t for t in threading.enumerate() if t.name == "gpurules-suggest" and t.is_alive()]


def test_a_search_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "import time; time.sleep(300)")
    monkeypatch.setattr(suggestions, "LONGEST", 0.3)
    with pytest.raises(GpurulesError):
        search(WISH, threading.Event())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--suggest", "store"), "--suggest needs a goal"),
        (("--goal", "heat.on_share <= 2%"), "require --suggest DIR"),
        (("--suggest", "store", "--goal", "heet.on_share <= 2%"), "no signal is named 'heet'"),
        (("--suggest", "store", "--goal", "heat"), "write NAME.MEASURE"),
        (("--suggest", "", "--goal", "heat.on_share <= 2%"), "names no"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_runs(
    gpurules: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(RULES)
    done = gpurules("run", "mine.yaml", "--source", "synthetic:gpus=1,seconds=2,interval=1", "--once", *arguments)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err


def test_the_command_is_tune_with_the_goals() -> None:
    command = SuggestionWish("mine.yaml", "store", ("a.on_share <= 2%",), ("missed(gpu_throttled) == 0",)).command()
    assert command[1:] == [
        "-m", "gpurules", "tune", "mine.yaml", "--history", "store", "--goal", "a.on_share <= 2%",
        "--keep", "missed(gpu_throttled) == 0", "--output-format", "json",
    ]  # fmt: skip
