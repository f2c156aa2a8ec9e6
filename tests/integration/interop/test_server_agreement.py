"""Rule files agree with the engine step by step: a real Prometheus server evaluates every expression and record.

The timers of alerts are counted here (``prometheus_replay.firing_steps``); promtool judges those of all files, and
``test_prometheus_server.py`` those of one ruleset in a server that scrapes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from gpurules.rules import Ruleset, load, loads, shipped_names
from tests.cases import EXHAUSTIVE
from tests.integration.interop.test_import_agreement import ALERTS, EVERY, rule_file
from tests.integration.interop.test_import_agreement import agreement as import_agreement
from tests.integration.interop.test_promql_agreement import PLAIN, TIMERS
from tests.integration.interop.test_promql_agreement import agreement as export_agreement
from tests.prometheus_replay import Replays, expected_of, replay, replay_server
from tests.prometheus_server import needs_prometheus

pytestmark = [pytest.mark.slow, needs_prometheus]
SEED = 20261201
MORE_SEEDS = range(SEED + 1, SEED + 6)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replays]:
    with replay_server(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def assert_agrees(server: Replays, rules: str, test: Mapping[str, Any], every: float) -> None:
    fired, expected = replay(server, rules, test, every), expected_of(test)
    assert len(fired) == len(expected)
    wrong = [(i, sorted(a - b), sorted(b - a)) for i, (a, b) in enumerate(zip(fired, expected, strict=True)) if a != b]
    assert not wrong, f"(step, only in Prometheus, only in the engine): {wrong[:4]}"


def assert_export_agrees(server: Replays, ruleset: Ruleset, gaps: float, seed: int) -> int:
    rules, test, matches = export_agreement(ruleset, gaps, seed)
    assert_agrees(server, rules, test, ruleset.settings.poll_interval)
    return matches


@pytest.mark.parametrize(("text", "gaps"), [(TIMERS, 0.0), (PLAIN, 0.2)], ids=["timers", "plain"])
def test_exported_rules_fire_in_the_server_where_they_match(server: Replays, text: str, gaps: float) -> None:
    assert assert_export_agrees(server, loads(text), gaps, SEED) > 20


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_ruleset_fires_in_the_server_where_it_matches(server: Replays, name: str) -> None:
    assert_export_agrees(server, load(f"gpurules:{name}"), 0.0, SEED)


def test_imported_rules_with_timers_match_where_the_alerts_fire_in_the_server(server: Replays) -> None:
    rules = rule_file(True)
    test, seen = import_agreement(rules, 0.0, 20261130)
    assert_agrees(server, rules, test, EVERY)
    assert seen == set(ALERTS)


@EXHAUSTIVE
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_both_directions_agree_over_more_random_series(server: Replays, seed: int) -> None:
    assert_export_agrees(server, loads(TIMERS), 0.0, seed)
    assert_export_agrees(server, loads(PLAIN), 0.2, seed)
    for name in shipped_names():
        assert_export_agrees(server, load(f"gpurules:{name}"), 0.0, seed)
    for timed, gaps in ((True, 0.0), (False, 0.15)):
        rules = rule_file(timed)
        assert_agrees(server, rules, import_agreement(rules, gaps, seed)[0], EVERY)
