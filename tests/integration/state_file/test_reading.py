"""What readers of Go and C say of every kind of state file: a decision that is marked for what it is, and no crash."""

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpurules.service.state_file import StateFile, StateFileError
from tests.integration.state_file.probes import HOUR, OTHER, FakeAgent, Probe

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def probe(probe_command: list[str], path: Path) -> Iterator[Probe]:
    made = Probe(probe_command, path)
    made.ask()  # it has looked, and found no file
    yield made
    made.close()


NEUTRAL = ([], 1.0, 0)
LOOK_SECONDS = 0.15
"""Somewhat longer than a reader waits before it looks for the file again."""


def test_without_a_file_decisions_are_neutral_and_stale_until_there_is_one(probe: Probe, path: Path) -> None:
    assert probe.ask()[:4] == ("stale", *NEUTRAL)
    FakeAgent(path).write(90)
    assert probe.ask_until("fresh")[:4] == ("fresh", ["high", "named", "large"], 0.5, 3)


def test_each_revision_is_seen_at_once(probe: Probe, path: Path) -> None:
    agent = FakeAgent(path)
    agent.write(90)
    probe.ask_until("fresh")
    for memory in (10, 60, 50, 51):
        agent.write(memory)
        basis, rules, *_ = probe.ask()
        assert (basis, "high" in rules) == ("fresh", memory > 50)


def test_an_agent_that_dies_goes_stale_at_its_deadline(probe: Probe, path: Path) -> None:
    agent = FakeAgent(path)
    agent.write(90, deadline=time.monotonic_ns() + 400_000_000)
    assert probe.ask_until("fresh")[1] == ["high", "named", "large"]
    time.sleep(0.5)  # the deadline is 0.4 s, and readers in C and Go read the clock of the machine
    *answer, problem = probe.ask()
    assert tuple(answer) == ("stale", *NEUTRAL)
    assert problem == "the agent is silent"
    agent.write(90)
    assert probe.ask_until("fresh")[0] == "fresh"


def test_an_agent_with_other_rules_gives_its_directives(probe: Probe, path: Path) -> None:
    FakeAgent(path, OTHER).write(90)
    *answer, problem = probe.ask_until("other")
    assert tuple(answer) == ("other", [], 0.25, 7)
    assert problem == "the agent runs another ruleset"


def test_an_agent_that_takes_over_from_a_killed_one_is_followed_at_once(probe: Probe, path: Path) -> None:
    killed, other = FakeAgent(path), FakeAgent(path, OTHER)
    killed.write(90)
    probe.ask_until("fresh")
    other.write(90)
    assert probe.ask_until("other")[0] == "other"
    FakeAgent(path).write(90)
    assert probe.ask_until("fresh")[0] == "fresh"


def test_more_gpus_than_there_is_room_for_come_in_a_larger_file(probe: Probe, path: Path) -> None:
    agent = FakeAgent(path)
    agent.write(90, gpus=2)
    probe.ask_until("fresh")
    agent.write(90, gpus=100)
    assert probe.ask_until("fresh")[1] == ["high", "named", "large"]
    agent.write(10, gpus=100)
    assert "high" not in probe.ask_until("fresh")[1]


def test_an_agent_that_ends_in_order_is_stale_at_once(probe: Probe, path: Path) -> None:
    agent = FakeAgent(path)
    agent.write(90)
    probe.ask_until("fresh")
    agent.writer.close()
    assert probe.ask_until("stale")[:4] == ("stale", *NEUTRAL)
    FakeAgent(path).write(90)
    assert probe.ask_until("fresh")[0] == "fresh"


def test_rules_that_are_disabled_ask_for_nothing(probe: Probe, path: Path) -> None:
    agent = FakeAgent(path)
    agent.write(90, is_disabled=True)
    assert probe.ask_until("disabled")[:4] == ("disabled", *NEUTRAL)
    agent.write(90)
    assert probe.ask()[0] == "fresh"


@pytest.mark.parametrize(
    "stamp",
    [
        {"monotonic": 10**18, "deadline": 10**18 + HOUR},
        {"deadline": 0},
        {"deadline": -(2**62)},
        {"monotonic": 2**62, "deadline": 2**62},
    ],
    ids=["published in the future", "never", "long ago", "at the end of time"],
)
def test_a_clock_that_cannot_be_makes_stale(probe: Probe, path: Path, stamp: dict[str, int]) -> None:
    FakeAgent(path).write(90, **stamp)
    time.sleep(LOOK_SECONDS)  # readers in C and Go read the clock of the machine
    assert probe.ask()[:4] == ("stale", *NEUTRAL)


def damaged(path: Path, at: int, data: bytes) -> None:
    """Put a file with other bytes in place of the one at the path."""
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").replace(path)


U32, U64 = struct.Struct("<I"), struct.Struct("<Q")
SLOT_OFFSET, SLOT_SIZE = 112, 116


@pytest.mark.parametrize(
    ("at", "data"),
    [
        (0, b"NOTOURS!"),
        (8, U32.pack(2)),
        (104, U64.pack(12345)),
        (SLOT_OFFSET, U32.pack(2**32 - 8)),
        (SLOT_OFFSET, U32.pack(3)),
        (SLOT_SIZE, U32.pack(2**31)),
        (SLOT_SIZE, U32.pack(0)),
        (88, U64.pack(0)),
    ],
    ids=["magic", "version", "boot", "offset", "unaligned", "size", "no size", "nothing published"],
)
def test_a_header_that_is_wrong_is_refused(probe: Probe, path: Path, at: int, data: bytes) -> None:
    FakeAgent(path).write(90)
    damaged(path, at, data)
    time.sleep(LOOK_SECONDS)  # readers in C and Go read the clock of the machine
    assert probe.ask()[:4] == ("stale", *NEUTRAL)
    if at == 104:  # the generic reader shows what is there, and says that it is stale
        assert StateFile(path).read().stale
    else:
        with pytest.raises(StateFileError):
            StateFile(path).read()


@pytest.mark.parametrize(
    "word",
    [
        (40, U32.pack(2**31)),
        (40, U32.pack(5000)),
        (44, U32.pack(2**32 - 1)),
        (22 * 8, U64.pack(77)),
        (22 * 8, U64.pack(3) + U64.pack(2**63 + 5)),
        (24 * 8, U64.pack(99)),
    ],
    ids=["gpus", "many gpus", "heap", "index kind", "text outside", "cell kind"],
)
def test_a_slot_that_is_wrong_is_refused(probe: Probe, path: Path, word: tuple[int, bytes]) -> None:
    FakeAgent(path).write(90)
    offset, size = struct.unpack_from("<II", path.read_bytes(), SLOT_OFFSET)
    damaged(path, offset + size + word[0], word[1])  # the first state is in the second slot
    time.sleep(LOOK_SECONDS)  # readers in C and Go read the clock of the machine
    assert probe.ask()[:4] == ("stale", *NEUTRAL)
    with pytest.raises(StateFileError):
        StateFile(path).read()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 300, 1024])
def test_a_file_that_is_cut_off_before_it_is_opened_is_refused(probe: Probe, path: Path, size: int) -> None:
    FakeAgent(path).write(90)
    os.truncate(path, size)
    time.sleep(LOOK_SECONDS)  # readers in C and Go read the clock of the machine
    assert probe.ask()[:4] == ("stale", *NEUTRAL)
    with pytest.raises(StateFileError):
        StateFile(path).read()


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_a_file_that_is_cut_off_while_it_is_in_use_ends_nothing(probe: Probe, path: Path, size: int) -> None:
    agent = FakeAgent(path)
    agent.write(90, gpus=200)
    probe.ask_until("fresh")
    os.truncate(path, size)
    for _ in range(3):
        assert probe.ask()[0] in ("fresh", "stale")
        time.sleep(0.06)  # before, around and after the reader looks at the file again, 0.1 s later
    path.unlink()
    FakeAgent(path).write(90)
    assert probe.ask_until("fresh")[1] == ["high", "named", "large"]


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_not_a_file_is_not_waited_for(probe_command: list[str], path: Path, kind: str) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to("/dev/zero")
    probe = Probe(probe_command, path)
    assert probe.ask()[:4] == ("stale", *NEUTRAL)
    probe.close()
    with pytest.raises(StateFileError):
        StateFile(path).read()


def test_what_is_not_a_state_file_is_not_overwritten(path: Path) -> None:
    path.write_text("my thesis")
    with pytest.raises(StateFileError, match="is not a state file and would be overwritten"):
        FakeAgent(path).write(90)
    assert path.read_text() == "my thesis"
