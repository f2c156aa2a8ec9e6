"""``gpurules backtest``, ``history`` and ``record -o DIR/``: output, exit codes, wrong input."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gpurules.strict_json import loads
from tests.integration.cli.conftest import Program

RULES = """version: 1
name: mine
signals: {hot: {condition: gpu_temperature > 70C, until: gpu_temperature < 60C}}
rules:
- {name: slow, condition: hot, action: delay_transfer, parameters: {delay: 30s}}
- {name: full, condition: gpu_memory > 80, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "mine.rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def store(tmp_path: Path, gpurules: Program) -> Path:
    place = tmp_path / "store"
    done = gpurules("record", "--source", "synthetic:gpus=2,seconds=3600", "-o", f"{place}/")
    assert (done.code, done.out) == (0, "")
    assert "360 snapshots added to" in done.err
    return place


def test_a_back_test_reports_rules_signals_and_actions(gpurules: Program, rules: Path, store: Path) -> None:
    done = gpurules("backtest", rules, "--history", store)
    assert done.code == 0
    assert "1 node, 2 GPUs, 720 GPU samples in 360 snapshots" in done.out
    for word in ("slow", "full", "hot", "delay_transfer in", "up to 30 s"):
        assert word in done.out


def test_its_json_has_the_documented_form(gpurules: Program, rules: Path, store: Path) -> None:
    data = loads(gpurules("backtest", rules, "--history", store, "--output-format", "json").out)
    assert data["schema_version"] == 1
    assert data["data"].keys() >= {"nodes", "gpus", "snapshots", "samples", "from", "to", "gaps", "unread"}
    (one,) = data["rulesets"]
    assert one["name"] == "mine" and [rule["rule"] for rule in one["rules"]] == ["slow", "full"]
    keys = {"samples", "on_share", "unknown_share", "episodes", "episode_seconds", "flaps_per_hour", "first", "last"}
    assert one["rules"][0].keys() >= keys and one["signals"][0].keys() >= keys
    assert one["signals"][0]["signal"] == "hot"
    assert one["rules"][0]["episode_seconds"].keys() == {"median", "p95", "max"}


def test_the_engine_itself_says_the_same(gpurules: Program, rules: Path, store: Path) -> None:
    kernel, engine = (
        loads(gpurules("backtest", rules, "--history", store, "--engine", name, "--output-format", "json").out)
        for name in ("local", "replay")
    )
    for data in (kernel, engine):
        for one in (*data["rulesets"][0]["rules"], *data["rulesets"][0]["signals"]):
            one.pop("unknown_because", None)
    assert kernel == engine


def test_a_limit_that_is_reached_fails_in_every_format(gpurules: Program, rules: Path, store: Path) -> None:
    limits = ("--fail-if", "hot.on_share > 1%", "--fail-if", "slow.flaps_per_hour > 1000")
    for form in ("text", "json", "markdown", "junit"):
        done = gpurules("backtest", rules, "--history", store, *limits, "--output-format", form)
        assert done.code == 1, form
    assert 'failures="1"' in done.out and done.out.count("<testcase") == 2
    assert gpurules("backtest", rules, "--history", store, "--fail-if", "hot.on_share > 100%").code == 0


def test_shares_are_reported_by_gpu_and_hour(gpurules: Program, rules: Path, store: Path) -> None:
    done = gpurules("backtest", rules, "--history", store, "--by", "gpu,hour")
    assert "node-1 GPU-" in done.out and "\nhour " in done.out
    assert gpurules("backtest", rules, "--history", store, "--by", "moon").code == 2


def test_two_rulesets_are_compared(gpurules: Program, rules: Path, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.rules.yaml"
    other.write_text(RULES.replace("> 80", "> 20"))
    done = gpurules("backtest", rules, other, "--history", store, "--output-format", "json")
    assert [one["rule"] for one in loads(done.out)["differences"]] == ["full"]
    assert "full differs in" in gpurules("backtest", rules, other, "--history", store).out


def test_transfers_are_decided_on_by_the_engine(gpurules: Program, rules: Path, store: Path, tmp_path: Path) -> None:
    listed = tmp_path / "transfers.jsonl"
    listed.write_text("".join(f'{{"id": "t{n}", "path": "/a", "created": {600 * n}}}\n' for n in range(1, 6)))
    done = gpurules("backtest", rules, "--history", store, "--transfers", listed, "--output-format", "json")
    found = loads(done.out)["rulesets"][0]["transfers"]
    assert (found["transfers"], found["decided"]) == (5, 5)
    assert 0 < found["delayed"] <= 5 and found["delay_seconds"] == 30 * found["delayed"]


@pytest.mark.parametrize(
    ("arguments", "code", "remedy"),
    [
        (["backtest", "RULES", "--history", "nowhere"], 2, "record some"),
        (["backtest", "RULES"], 2, "--history"),
        (["backtest", "RULES", "RULES", "RULES", "--history", "STORE"], 2, "two to compare"),
        (["backtest", "RULES", "--history", "STORE", "--fail-if", "hott.flaps > 1"], 2, "did you mean"),
        (["backtest", "RULES", "--history", "STORE", "--output-format", "junit"], 2, "--fail-if"),
        (["backtest", "RULES", "--history", "STORE", "--spark-master", "local[2]"], 2, "--engine spark"),
        (["history", "info", "nowhere"], 2, "record some"),
        (["history", "import", "one"], 2, "as the last argument"),
        (["history", "import", "nowhere", "STORE"], 2, "no such file"),
        (["history", "export", "STORE", "--node", "x"], 2, "known nodes: node-1"),
        (["history", "compact", "STORE", "--keep-size", "big"], 2, "10GiB"),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(
    gpurules: Program, rules: Path, store: Path, arguments: list[str], code: int, remedy: str
) -> None:
    named = [{"RULES": str(rules), "STORE": str(store)}.get(argument, argument) for argument in arguments]
    done = gpurules(*named)
    assert done.code == code, done.err
    assert remedy in done.err and "Traceback" not in done.err


def test_a_store_is_looked_after(gpurules: Program, store: Path, tmp_path: Path) -> None:
    assert loads(gpurules("history", "info", store, "--output-format", "json").out)["nodes"][0]["node"] == "node-1"
    assert "merged into 2" in gpurules("history", "compact", store).out
    out = tmp_path / "out.jsonl"
    assert gpurules("history", "export", store, "-o", out).code == 0
    again = gpurules("history", "import", out, tmp_path / "again")
    assert again.code == 0 and "360 snapshots of 1 node (node-1) from 1 file" in again.out
    assert gpurules("history", "export", tmp_path / "again").out == out.read_text()


def test_an_import_of_nothing_is_an_error(gpurules: Program, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    swapped = gpurules("history", "import", tmp_path / "nothing", tmp_path / "store")
    assert swapped.code == 2 and "no files in this directory" in swapped.err and "the store last" in swapped.err
    (tmp_path / "empty.jsonl").touch()
    empty = gpurules("history", "import", tmp_path / "empty.jsonl", tmp_path / "store")
    assert empty.code == 1 and "nothing was imported" in empty.err


def test_an_import_that_could_not_read_all_says_so_and_ends_with_1(gpurules: Program, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.csv", tmp_path / "good.jsonl"
    bad.write_text("what is this\n")
    good.write_text('{"timestamp": 5, "gpus": [{"index": 0, "temperature": 50}]}\n')
    done = gpurules("history", "import", bad, good, tmp_path / "store", "--as-node", "n7")
    assert done.code == 1
    assert str(bad) in done.err and "Traceback" not in done.err
    assert "1 snapshot of 1 node (n7)" in done.out


def test_a_month_can_be_simulated(gpurules: Program, tmp_path: Path, rules: Path) -> None:
    place = tmp_path / "month"
    options = ("--nodes", 2, "--node-gpus", 2, "--days", 2, "--interval", 600)
    assert gpurules("history", "simulate", place, *options).code == 0
    assert "2 nodes, 4 GPUs" in gpurules("backtest", rules, "--history", place).out


def test_lint_and_diff_read_a_store_as_they_read_a_recording(
    gpurules: Program, rules: Path, store: Path, tmp_path: Path
) -> None:
    lines, other = tmp_path / "lines.jsonl", tmp_path / "other.rules.yaml"
    assert gpurules("history", "export", store, "-o", lines).code == 0
    rules.write_text(RULES + "- {name: never, condition: gpu_temperature > 150C, action: pause_transfer}\n")
    other.write_text(RULES.replace("> 80", "> 20"))
    found = [gpurules("lint", rules, "--history", place, "--select", "GPR2") for place in (store, lines)]
    assert found[0].out == found[1].out and "GPR209" in found[0].out
    reported = [
        loads(gpurules("diff", rules, other, "--history", place, "--format", "json").out)["history"]
        for place in (store, lines)
    ]
    assert reported[0] == reported[1] and reported[0]["changed"] > 0


def test_an_agent_records_what_it_observes_and_what_signals_did(gpurules: Program, rules: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    place = tmp_path / "kept"
    options = ("--source", "synthetic:gpus=2,seconds=3600", "--state", tmp_path / "state", "--history", place)
    assert gpurules("run", rules, *options).code == 0
    reported = loads(gpurules("backtest", rules, "--history", place, "--output-format", "json").out)
    assert reported["data"]["snapshots"] == 360
    rows = [row for path in sorted(place.glob("transitions/*/*/*")) for row in pq.ParquetFile(path).read().to_pylist()]
    starts = [row for row in rows if row["signal"] == "hot" and row["on"]]
    assert len(starts) == reported["rulesets"][0]["signals"][0]["episodes"] > 0


def test_a_store_that_cannot_be_written_does_not_stop_an_agent(gpurules: Program, rules: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    options = ("--source", "synthetic:gpus=2,seconds=3600", "--state", tmp_path / "state", "--history", blocked)
    done = gpurules("run", rules, *options)
    assert (
        done.code == 0
        and "it is kept in memory and retried" in done.err
        and "lacks 360 snapshots" in done.err
        and "Traceback" not in done.err
    )


@pytest.mark.parametrize("before", [None, "as it was"])
def test_an_export_that_is_interrupted_leaves_no_half_file(
    gpurules: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    from gpurules.history.store import exchange

    place, output = tmp_path / "store", tmp_path / "out.jsonl"
    gpurules("record", "--source", "synthetic:gpus=2,seconds=600", "-o", f"{place}/")
    if before is not None:
        output.write_text(before)

    def lines(*_: object) -> Iterator[str]:
        yield "{}\n"
        raise KeyboardInterrupt

    real = exchange.export_lines
    monkeypatch.setattr(exchange, "export_lines", lines)
    with suppress(KeyboardInterrupt):
        gpurules("history", "export", place, "-o", output)
    assert {path.name for path in tmp_path.iterdir()} == {"store", *(["out.jsonl"] if before else [])}
    assert before is None or output.read_text() == before
    monkeypatch.setattr(exchange, "export_lines", real)
    assert gpurules("history", "export", place, "-o", output).code == 0
    assert gpurules("history", "export", place).out == output.read_text() and output.read_text().count("\n") > 50
    assert gpurules("history", "export", place, "-o", "/dev/null").code == 0


SPANS = {
    "from": (("--from", "1970-01-01T00:10"), 600, None),
    "to": (("--to", "1970-01-01T00:30"), None, 1800),
    "both, of a zone": (("--from", "1970-01-01T01:10+01:00", "--to", "1970-01-01T00:30"), 600, 1800),
}


@pytest.mark.parametrize("name", SPANS)
def test_a_span_of_a_store_is_back_tested_as_that_of_a_recording_that_ends_with_it(
    gpurules: Program, rules: Path, store: Path, tmp_path: Path, name: str
) -> None:
    options, since, until = SPANS[name]
    lines = gpurules("history", "export", store).out.splitlines()
    start = float(loads(lines[0])["timestamp"])
    options = tuple(word if word.startswith("--") else _moved(word, start) for word in options)
    kept = [line for line in lines if until is None or loads(line)["timestamp"] < start + until]
    (tmp_path / "part.jsonl").write_text("\n".join(kept) + "\n")
    command = ("backtest", rules, "--output-format", "json", "--history")
    first = options[:2] if since is not None else ()
    of_store, of_recording = (
        loads(gpurules(*command, *more).out) for more in ((store, *options), (tmp_path / "part.jsonl", *first))
    )
    inside = sum(since is None or loads(line)["timestamp"] >= start + since for line in kept)
    assert of_store["data"]["snapshots"] == inside > 0
    assert of_store["rulesets"] == of_recording["rulesets"]


def _moved(time: str, start: float) -> str:
    from datetime import UTC, datetime, timedelta

    moved = datetime.fromisoformat(time)
    return (moved + timedelta(seconds=start)).isoformat() if moved.tzinfo else (
        moved.replace(tzinfo=UTC) + timedelta(seconds=start)
    ).isoformat()  # fmt: skip


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--from", "2100-01-01"), "has no readable snapshot in this range"),
        (("--from", "monday"), "'monday' is not a time"),
        (("--from", "2026-01-02", "--to", "2026-01-01"), "2026-01-02 is not before its end 2026-01-01"),
    ],
)
def test_a_span_without_a_snapshot_is_refused(
    gpurules: Program, rules: Path, store: Path, options: tuple[str, ...], reason: str
) -> None:
    done = gpurules("backtest", rules, "--history", store, *options)
    assert done.code == 2 and reason in done.err and "Traceback" not in done.err
