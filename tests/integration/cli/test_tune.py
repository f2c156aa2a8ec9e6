"""``gpurules tune``: it finds what was planted, keeps comments and layout, and proposes nothing on noise."""

import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gpurules.cli.history.tuning import TuningWish, tune
from gpurules.cli.run.suggestions import SuggestionWish, search
from gpurules.history.store.format.frame import StoredFrame
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.simulated import Month, write_month
from gpurules.history.store.storage import Storage
from gpurules.history.tuning.goals import parse_keep
from gpurules.history.tuning.knobs import TuningError, candidates, draft_of
from gpurules.rules import load, loads
from gpurules.strict_json import loads as from_json
from tests.integration.cli.conftest import Program

RULES = """version: 1
name: mine
# what the site runs
inputs:
  heat_limit: {type: number, unit: C, default: 95C, description: hot from here}   # chosen by hand
signals:
  heat:
    condition: gpu_temperature > heat_limit
    until: gpu_temperature < heat_limit - 3C   # lower
    keep_for: 30s
rules:
  - {name: slow, condition: heat, action: delay_transfer, parameters: {delay: 30s}}
"""
GOALS = ("--goal", "heat.on_share <= 2%", "--keep", "missed(gpu_throttled) == 0")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "mine.rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a month in which boards slow down at 88 C, minutes after their temperature has begun to rise."""
    place = tmp_path_factory.mktemp("planted")
    list(write_month(Storage(place), Month(nodes=1, gpus=4, days=24, interval=15.0, with_losses=False)))
    return place


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("noise")
    list(write_month(Storage(place), Month(nodes=1, gpus=4, days=12, interval=60.0, noise_only=True)))
    return place


def highest_that_precedes(place: Path, lead: float) -> int:
    """Return, by SQL, the highest temperature that every start of throttling was above *lead* seconds before."""
    query = f"""
        with rows as (select identity as g, timestamp as t, temperature as c, throttled as x from
                      read_parquet('{place}/telemetry/*/*/*.parquet')),
             starts as (select g, t from (select *, lag(x) over (partition by g order by t) as y from rows)
                        where x and not y),
             heat as (select s.g, s.t, (select max(c) from rows r where r.g = s.g and r.t between s.t - {lead} - 30
                      and s.t - {lead}) as c from starts s)
        select min(c) from heat"""
    return int(duckdb.connect().execute(query).fetchone()[0])  # type: ignore[index]


def test_what_was_planted_is_found(gpurules: Program, rules: Path, planted: Path) -> None:
    done = gpurules("tune", rules, "--history", planted, *GOALS, "--vary", "heat_limit", "--output-format", "json")
    assert done.code == 0, done.out
    data = from_json(done.out)
    limit, highest = data["proposal"]["values"]["heat_limit"], highest_that_precedes(planted, 60)
    assert 80 <= limit <= 87, "boards slow down at 88 C, after a rise of some 1.3 C a minute"
    assert highest - 4 <= limit <= highest, "a signal with until and keep_for is on a little longer than it is hot"
    missed = {m["measure"]: (m["searched"], m["left_out"]) for m in data["proposal"]["measures"]}["missed"]
    assert missed == (0, 0)
    assert len(data["front"]) >= 1 and data["present"]["holds"] is False


def test_the_patch_keeps_comments_and_layout_and_is_applied_only_when_asked(
    gpurules: Program, rules: Path, planted: Path
) -> None:
    asked = ("tune", rules, "--history", planted, *GOALS, "--vary", "heat_limit")
    done = gpurules(*asked)
    assert rules.read_text() == RULES and "# before: heat.on_share" in done.out and "# after: " in done.out
    changed = [text for text in done.out.splitlines() if text.startswith(("+ ", "- "))]
    assert len(changed) == 2 and changed[1].endswith("description: hot from here}   # chosen by hand")
    assert gpurules(*asked, "--apply").code == 0
    before, after = RULES.splitlines(), rules.read_text().splitlines()
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [4]
    load(rules)


def test_an_agent_that_searches_its_history_finds_the_same(gpurules: Program, rules: Path, planted: Path) -> None:
    found = search(SuggestionWish(str(rules), str(planted), GOALS[1::4], GOALS[3::4]), threading.Event())
    asked = ("tune", rules, "--history", planted, *GOALS, "--output-format", "json")
    assert found is not None
    assert found["values"] == from_json(gpurules(*asked).out)["proposal"]["values"]
    assert rules.read_text() == RULES


@pytest.mark.parametrize(
    ("goals", "reason"),
    [
        (GOALS, "only 0 + 0 events are recorded"),
        (("--goal", "heat.flaps_per_hour <= 1"), "has only 0 episodes"),
        (("--goal", "heat.on_share <= 2%", "--keep", "missed(gpu_utilization > 99%) == 0"), "no candidate meets"),
        (("--keep", "missed(gpu_utilization > 99%) <= 100000"), "by chance"),
    ],
)
def test_nothing_is_proposed_on_noise(
    gpurules: Program, rules: Path, noise: Path, goals: tuple[str, ...], reason: str
) -> None:
    done = gpurules("tune", rules, "--history", noise, *goals, "--vary", "heat_limit")
    assert done.code == 1
    assert "nothing is proposed" in done.out and reason in done.out
    assert rules.read_text() == RULES


def test_a_shipped_ruleset_is_tuned_by_an_overlay(gpurules: Program, planted: Path) -> None:
    done = gpurules("tune", "gpurules:coordinator", "--history", planted, *GOALS, "--vary", "heat_limit")
    assert done.code == 0
    overlay = done.out[done.out.index("version: 1") :]
    tuned, shipped = loads(overlay), load("gpurules:coordinator")
    assert tuned.signals.keys() == shipped.signals.keys() and len(tuned.rules) == len(shipped.rules)
    assert "no change is proposed" in done.out or "heat_limit: 8" in overlay


def test_values_that_the_ruleset_does_not_accept_are_left_out_and_counted(gpurules: Program, planted: Path) -> None:
    named = ("--vary", "heat_prefetch", "--output-format", "json")
    done = gpurules("tune", "gpurules:coordinator", "--history", planted, *GOALS, *named)
    data = from_json(done.out)
    assert isinstance(data, dict) and data["tried"] == 31 - 2, "0.6 and 15 steps of 0.03 up; the last two exceed 1"
    assert "2 of 31 candidates have values that the ruleset does not accept" in done.out
    done = gpurules("tune", "gpurules:coordinator", "--history", planted, *GOALS, "--candidates", "3")
    assert done.code in (0, 1) and "Traceback" not in done.err, (
        "the knobs are found though one cannot be at its highest"
    )


def test_every_frame_is_read_once_and_few_are_held_however_many_candidates_there_are(
    planted: Path, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, held, alive = Counter[str](), [0], list[weakref.ref[StoredFrame]]()
    frames = StoreReader.frames

    def counted(reader: StoreReader, node: str, *given: Any) -> Iterator[StoredFrame]:
        for frame in frames(reader, node, *given):
            reads[f"{node} {frame.times[0]}"] += 1
            alive.append(weakref.ref(frame))
            held.append(sum(one() is not None for one in alive))
            yield frame

    monkeypatch.setattr(StoreReader, "frames", counted)
    wish = TuningWish(str(rules), load(str(rules)), [str(planted)], [GOALS[1]], [GOALS[3]])
    wish.candidates = 50
    tune(wish, lambda days, total: days)
    assert len(reads) == 24 and set(reads.values()) == {1}
    assert max(held) <= 4


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ((), "--goal"),
        (("--goal", "heat.on_share"), "write NAME.MEASURE"),
        (("--goal", "heet.on_share <= 1%"), "no signal is named"),
        (("--goal", "heat.on_share <= 1%", "--vary", "heat_limt"), "did you mean"),
        (("--keep", "lost(gpu_throttled) == 0"), "missed(gpu_throttled) == 0"),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(
    gpurules: Program, rules: Path, noise: Path, arguments: tuple[str, ...], remedy: str
) -> None:
    done = gpurules("tune", rules, "--history", noise, *arguments)
    assert done.code == 2 and remedy in done.err and "Traceback" not in done.err


def test_knobs_are_the_numbers_that_stand_in_the_file() -> None:
    draft = draft_of(RULES, "x.yaml", loads(RULES))
    assert [(k.name, k.value, k.is_duration) for k in draft.knobs] == [
        ("heat_limit", 95.0, False), ("heat.keep_for", 30.0, True), ("heat.until", 3.0, False),
    ]  # fmt: skip
    edited = draft.with_values({"heat_limit": 84.0, "heat.keep_for": 60.0})
    assert edited == RULES.replace("95C", "84C").replace("30s\nrules", "60s\nrules")
    assert len(candidates(draft.knobs, 50)) == 50
    assert candidates(draft.knobs, 5)[0] == {"heat_limit": 95.0, "heat.keep_for": 30.0, "heat.until": 3.0}


def test_an_event_is_of_one_signal() -> None:
    with pytest.raises(TuningError, match="does not name its signal"):
        parse_keep("missed(gpu_throttled) == 0", ("a", "b"))
