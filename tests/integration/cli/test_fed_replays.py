"""A recording of Prometheus text fills the fields that rules feed, as a live scrape of the same text does."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpurules.engine.effects.events import feed_source
from gpurules.rules import loads
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.playback import replay
from gpurules.telemetry.sources.scrape import ExporterReader

RULES = """
version: 1
name: mine
fields:
  load: {type: number, scope: node, from: {prometheus: node_load1}}
  cores: {type: number, scope: node, from: {prometheus: 'node_cpu{mode="idle"}', aggregate: count}}
  queue: {type: number, scope: gpu, from: {prometheus: my_queue, factor: 2}}
rules:
  - {name: busy, condition: load > 2 AND cores == 2, action: pause_transfer}
  - {name: queued, condition: queue >= 8, action: delay_transfer, parameters: {delay: 7s}}
"""


def page(load: float, *queues: float) -> str:
    lines = [f'DCGM_FI_DEV_GPU_TEMP{{gpu="{i}",UUID="GPU-{i}"}} 60' for i in range(2)]
    lines += [f'my_queue{{gpu="{i}"}} {queue}' for i, queue in enumerate(queues)]
    lines += ['node_cpu{cpu="0",mode="idle"} 1', 'node_cpu{cpu="1",mode="idle"} 1', 'node_cpu{cpu="0",mode="user"} 1']
    return "\n".join([*lines, f"node_load1 {load}", "# EOF", ""])


PAGES = [page(1, 3, 4), page(3, 4, 1), page(2.5, 1)]


class Fixed:
    place = "p"

    def __init__(self, text: str) -> None:
        self.fetch = lambda: text


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, Path]:
    rules, pages = tmp_path / "r.rules.yaml", tmp_path / "pages.prom"
    rules.write_text(RULES)
    pages.write_text("".join(PAGES))
    return rules, pages


def test_each_snapshot_has_the_values_and_reasons_of_a_live_scrape(recorded: tuple[Path, Path]) -> None:
    ruleset = loads(RULES)
    source = replay(recorded[1])
    feed_source(source, ruleset)
    request = PollRequest(feeds=tuple(field for field in ruleset.fields.values() if field.feed is not None))
    played = list(source)
    source.close()
    for text, snapshot in zip(PAGES, played, strict=True):
        live = ExporterReader(Fixed(text), clock=lambda: 0.0).read(request)  # type: ignore[arg-type]
        assert snapshot.labels == live.labels and snapshot.problems == live.problems
        assert [(gpu.labels, gpu.missing) for gpu in snapshot.gpus] == [(gpu.labels, gpu.missing) for gpu in live.gpus]
    assert played[1].labels == {"load": 3, "cores": 2}
    assert [gpu.labels.get("queue") for gpu in played[2].gpus] == [2, None]
    assert played[2].gpus[1].missing == {"queue": "the series of my_queue belong to other GPUs"}


def test_run_decides_by_what_the_pages_feed(recorded: tuple[Path, Path], gpurules: Any) -> None:
    done = gpurules("run", recorded[0], "--source", f"replay:{recorded[1]}", "--format", "json")
    decided = [one for one in map(json.loads, done.out.splitlines()) if one["event"] == "node"]
    assert [one["timestamp"] for one in decided] == [5.0]  # busy pauses from the second page on
    matched = decided[0]["decision"]["matched"]
    assert {match["rule"]: match["devices"] for match in matched} == {
        "busy": [],
        "queued": [0],
    }
    assert "every snapshot" not in done.err


def test_a_recorded_rule_test_a_backtest_lint_and_diff_see_the_same(
    recorded: tuple[Path, Path], tmp_path: Path, gpurules: Any
) -> None:
    rules, pages = recorded
    (tmp_path / "r.test.yaml").write_text(
        f"kind: gpurules/test\nrulesets: [{rules.name}]\nreplay:\n"
        f"  - {{name: seen, history: {pages.name}, expect: {{rule: busy, matches_between: [1, 1]}}}}\n"
    )
    assert gpurules("test", tmp_path / "r.test.yaml").code == 0
    linted = gpurules("lint", rules, "--history", pages, "--select", "GPR6,GPR7,GPR8,GPR5", "--format", "concise")
    assert "never" not in linted.out
    (tmp_path / "new.rules.yaml").write_text(RULES.replace("load > 2", "load > 2.7"))
    compared = json.loads(
        gpurules("diff", rules, tmp_path / "new.rules.yaml", "--history", pages, "--format", "json").out
    )
    assert compared["history"]["matches"]["busy"] == {"old": 2, "new": 1}


def test_rulesets_that_feed_a_field_differently_get_none_and_a_line_says_so(
    recorded: tuple[Path, Path], tmp_path: Path, gpurules: Any
) -> None:
    (tmp_path / "new.rules.yaml").write_text(RULES.replace("node_load1", "node_load5"))
    done = gpurules("diff", recorded[0], tmp_path / "new.rules.yaml", "--history", recorded[1], "--format", "json")
    assert json.loads(done.out)["history"]["matches"].get("busy", {"old": 0, "new": 0}) == {"old": 0, "new": 0}
    assert "load is missing: the rulesets feed it from different series" in done.err


def test_a_dump_of_two_jobs_joins_what_was_scraped_last(tmp_path: Path) -> None:
    lines = []
    for step in range(4):
        at = 1_700_000_000 + step * 15
        lines.append(f"node_load1 {step} {at}000")
        lines += [f'DCGM_FI_DEV_GPU_TEMP{{gpu="0"}} 60 {at + 5}000'] if step != 1 else []
    (tmp_path / "dump.prom").write_text("\n".join([*lines, ""]))
    source = replay(tmp_path / "dump.prom")
    feed_source(source, loads(RULES))
    assert [(snapshot.labels["load"], len(snapshot.gpus)) for snapshot in source] == [(0, 1), (2, 1), (3, 1)]
    source.close()


def test_a_series_that_was_last_scraped_long_ago_is_stale(tmp_path: Path) -> None:
    (tmp_path / "dump.prom").write_text(
        'node_load1 1 1700000000000\nDCGM_FI_DEV_GPU_TEMP{gpu="0"} 60 1700000300000\n'
        'DCGM_FI_DEV_GPU_TEMP{gpu="0"} 60 1700000301000\n'
    )
    source = replay(tmp_path / "dump.prom")
    feed_source(source, loads(RULES))
    assert [snapshot.labels.get("load") for snapshot in source] == [1, None]
    source.close()


def test_a_page_without_gpus_is_a_node_whose_exporter_is_gone(tmp_path: Path) -> None:
    (tmp_path / "pages.prom").write_text(f"{page(1, 3, 4)}node_load1 7\n# EOF\n{page(2, 3, 4)}")
    source = replay(tmp_path / "pages.prom")
    feed_source(source, loads(RULES))
    assert [(one.labels["load"], len(one.gpus), one.timestamp) for one in source] == [(1, 2, 0), (7, 0, 5), (2, 2, 10)]
    source.close()
