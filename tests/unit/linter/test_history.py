"""What recordings show of rules."""

from collections.abc import Iterator
from itertools import cycle, islice

import pytest

from gpurules.linter import Policy, lints
from gpurules.linter.history import RecordedSnapshots, replay_rules
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

MINUTE = 60.0


def recorded(*memory: float | None, count: int = 61, step: float = MINUTE) -> RecordedSnapshots:
    """Return a recording of one GPU whose memory goes round *memory*, in per cent: an hour, a snapshot a minute."""

    def play() -> Iterator[Snapshot]:
        for number, value in enumerate(islice(cycle(memory), count)):
            used = None if value is None else round(value * 10)
            yield Snapshot(timestamp=1000 + number * step, gpus=(GPU(index=0, memory_used=used, memory_total=1000),))

    return list(play())


def ruleset(rule: str) -> str:
    return f"version: 1\nname: x\nrules:\n  - {{name: a, {rule}, action: pause_transfer}}\n"


def messages(rule: str, *recordings: RecordedSnapshots) -> list[tuple[str, str]]:
    found = lints(ruleset(rule), "x.yaml", None, Policy(recordings=recordings))
    return [(finding.code, finding.message) for finding in found]


def unjudged(rule: str, *recordings: RecordedSnapshots) -> list[str]:
    reasons: list[str] = []
    assert lints(ruleset(rule), "x.yaml", None, Policy(recordings=recordings, unanalyzed=reasons)) == []
    return [reason.partition("history: ")[2] for reason in reasons]


FULL = "condition: gpu_memory > 80"


def test_a_rule_that_no_snapshot_satisfies_is_named_at_its_condition() -> None:
    (found,) = lints(ruleset(FULL), "x.yaml", None, Policy(recordings=(recorded(10, 70),)))
    assert (found.code, found.message) == ("GPR209", "`a` is TRUE in 0 of 61 recorded snapshots")
    assert (found.line, found.column, found.severity, found.rule) == (4, 26, "info", "a")


def test_a_rule_that_nearly_every_snapshot_satisfies_is_named() -> None:
    always = recorded(*[90] * 99, 10, count=100)
    assert messages(FULL, always) == [("GPR210", "`a` is TRUE in 99 of 100 recorded snapshots")]
    assert messages(FULL, recorded(*[90] * 98, 10, 10, count=100)) == []


def test_a_rule_that_changes_at_every_snapshot_flaps() -> None:
    assert messages(FULL, recorded(90, 10)) == [("GPR607", "`a` flaps: 60 transitions in 1 h")]


@pytest.mark.parametrize(("period", "codes"), [(5, []), (4, ["GPR607"])])
def test_twelve_changes_an_hour_are_no_flapping(period: int, codes: list[str]) -> None:
    """Changes at minute 5, 10, …, 60 are 12 in the hour; at minute 4, 8, …, 60 they are 15."""
    recording = recorded(*[90] * period, *[10] * period)
    assert [code for code, _ in messages(FULL, recording)] == codes


def test_timers_damp() -> None:
    """With two minutes of `for` a minute of TRUE never starts the rule."""
    assert messages(f"{FULL}, for: 2m", recorded(90, 10)) == [
        ("GPR209", "`a`, with its timers, is TRUE in 0 of 61 recorded snapshots")
    ]


def test_unknown_is_neither_false_nor_a_change() -> None:
    assert messages(FULL, recorded(90, None)) == [
        ("GPR210", "`a` is TRUE in 31 of 31 recorded snapshots (30 more are unknown)")
    ]
    (reason,) = unjudged("condition: gpu_temperature > 80", recorded(90))
    assert reason == "it is known in only 0 of 61 snapshots"


def test_of_a_rule_about_transfers_the_ambient_part_is_judged() -> None:
    rule = "condition: gpu_memory > 80 AND file_type == 'model'"
    assert messages(rule, recorded(10)) == [
        ("GPR209", "the part of `a` about the GPUs and the node is TRUE in 0 of 61 recorded snapshots")
    ]
    (reason,) = unjudged("condition: gpu_memory > 80 OR file_type == 'model'", recorded(10))
    assert reason == "no part of it is about the GPUs or the node alone"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (f"{FULL}, gpus: workload", "it depends on the GPUs of a workload"),
        (
            "condition: gpu_memory > 80 AND telemetry_age > 5s",
            "it reads the age of telemetry, which a recording does not contain",
        ),
    ],
)
def test_what_a_recording_does_not_contain_is_not_guessed(rule: str, reason: str) -> None:
    assert unjudged(rule, recorded(10)) == [reason]


def test_a_short_recording_shows_nothing() -> None:
    assert unjudged(FULL, recorded(10, count=19)) == ["it is known in only 19 of 19 snapshots"]
    assert [code for code, _ in messages(FULL, recorded(10, count=20))] == ["GPR209"]


def test_a_rule_that_is_disabled_or_says_true_is_left_alone() -> None:
    assert unjudged("condition: 'TRUE'", recorded(10)) == []
    off = replay_rules(loads(ruleset(f"{FULL}, enabled: false")), [recorded(10)])
    assert (off.tracks, off.left_out) == ({}, {})


def test_what_the_analysis_says_is_not_said_again() -> None:
    assert [code for code, _ in messages("condition: gpu_memory > 90 AND gpu_memory < 10", recorded(10))] == ["GPR201"]
    assert [code for code, _ in messages("condition: gpu_memory >= 0", recorded(10))] == ["GPR202"]


def test_several_recordings_count_together_and_each_starts_again() -> None:
    """The step from one recording to the other does not count as a transition."""
    track = replay_rules(loads(ruleset(FULL)), [recorded(90), recorded(10)]).tracks["a"]
    assert (track.snapshots, track.true, track.transitions, track.seconds) == (122, 61, 0, 7200.0)


def test_without_a_history_nothing_is_said_and_a_suppression_is_not_unused() -> None:
    text = ruleset(FULL).replace("rules:\n", 'rules:\n  # gpurules: ignore[GPR209] reason="waits for winter"\n')
    assert lints(text, "x.yaml", None, Policy()) == []
    assert lints(text, "x.yaml", None, Policy(recordings=(recorded(10),))) == []
    stale = lints(text, "x.yaml", None, Policy(recordings=(recorded(90),)))
    assert {finding.code for finding in stale} == {"GPR210", "GPR901"}
