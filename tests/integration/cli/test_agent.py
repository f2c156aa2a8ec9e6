"""``gpurules run`` over live telemetry."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gpurules.cli.run.agent import EventPrinter
from gpurules.engine import Edge, PollReport
from tests.integration.coordinator.stand import Endpoint, Script, gpu, node, ruleset
from tests.waiting import wait_until

RULES = ruleset(
    "{name: held, condition: pressure, action: pause_transfer}",
    "{name: said, condition: gpu_memory > 80, action: log, parameters: {message: 'GPU {devices} at {gpu_memory} %'}}",
    signals="{pressure: {condition: gpu_memory > 85, until: gpu_memory < 75}}",
)

INTERVAL_SECONDS = 0.1
"""A read that takes longer counts as no telemetry, so a busy machine needs room."""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.rules.yaml").write_text(RULES)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Stands for every live source that is opened."""
    script = Script(time.time, (gpu(50),))
    monkeypatch.setattr("gpurules.cli.commands.run.open_telemetry", lambda source, options: (script, INTERVAL_SECONDS))
    return script


RUN = ("run", "node.rules.yaml", "--source", "nvml")


def meanwhile(*steps: Any) -> threading.Thread:
    """Do *steps* in a thread, each when the one before is done, then send SIGTERM."""

    def work() -> None:
        try:
            for step in steps:
                step()
                time.sleep(0.2)  # what was read is still to be printed, also on a busy machine
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def fill(source: Script, percent: float) -> Any:
    def step() -> None:
        source.gpus = (gpu(percent),)
        reads = source.reads
        wait_until(lambda: source.reads > reads + 2, seconds=30)

    return step


def test_it_polls_until_sigterm_and_reports_what_changes(gpurules: Any, source: Script) -> None:
    thread = meanwhile(fill(source, 90), fill(source, 50))
    done = gpurules(*RUN)
    thread.join()
    assert done.code == 0
    lines = done.out.splitlines()
    assert "ruleset tested " in lines[0] and "· nvml ·" in lines[0]
    assert [re.sub(r"[\d.]+ m?s", "0 s", line[10:]) for line in lines[1:9]] == [
        "GPU 0  memory 90.0 % of 100 GiB",
        "▲ pressure on GPU 0  on   gpu_memory > 85",
        "→ paused   held, said",
        "● said starts on GPU 0: log",
        "GPU 0  memory 50.0 % of 100 GiB",
        "▼ pressure on GPU 0  off  gpu_memory < 75, 0 s on",
        "→ no longer paused   no rule matches",
        "○ said stops after 0 s on GPU 0: log",
    ]
    assert lines[-1].endswith("log 1 sent")
    assert "GPU 0 at 90 %" in done.err
    assert source.closed


@pytest.mark.parametrize(
    ("joined", "left", "words"),
    [
        ((1, "2:0"), (), "◐ said is joined by GPU 1, 2:0: log"),
        ((), (0,), "◐ said is left by GPU 0: log"),
        ((1,), (0,), "◐ said is joined by GPU 1 and is left by GPU 0: log"),
    ],
)
def test_a_change_says_which_gpus_join_and_leave(
    joined: tuple[Any, ...], left: tuple[Any, ...], words: str, capsys: Any
) -> None:
    with node(RULES) as it:
        rule = it.coordinator.engine.ruleset.rules[-1]
        edge = Edge(rule, None, "change", 1767225600.0, (*joined, 3), 5.0, joined=joined, left=left)
        printer = EventPrinter(it.coordinator, is_json=False)
        printer.report_poll(PollReport(it.source.read(), edges=(edge,)))
    assert capsys.readouterr().out.splitlines()[-1].endswith(words.replace("said", rule.name))


def test_json_is_an_event_a_line(gpurules: Any, source: Script) -> None:
    thread = meanwhile(fill(source, 90))
    done = gpurules(*RUN, "--format", "json")
    thread.join()
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["event"] for event in events] == ["signal", "node", "rule", "rule", "end"]
    assert events[1]["decision"]["paused"] is True
    assert events[3] | {"timestamp": 0} == {
        "event": "rule",
        "timestamp": 0,
        "rule": "said",
        "edge": "start",
        "devices": [0],
        "joined": [],
        "left": [],
        "transfer": None,
        "lasted": 0.0,
        "suppressed": False,
        "effects": ["log"],
    }
    assert events[-1]["effects"]["log"]["sent"] == 1


def test_sighup_reloads_and_garbage_leaves_the_last_good_one(gpurules: Any, source: Script, tmp_path: Path) -> None:
    source.gpus = (gpu(90),)
    path = tmp_path / "node.rules.yaml"

    def hang_up(text: str) -> Any:
        def step() -> None:
            path.write_text(text)
            os.kill(os.getpid(), signal.SIGHUP)

        return step

    thread = meanwhile(fill(source, 90), hang_up("rules: [{"), hang_up(RULES.replace("> 85", "> 95")))
    done = gpurules(*RUN, "--format", "json")
    thread.join()
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["event"] for event in events if event["event"] != "rule"] == [
        "signal",
        "node",
        "ruleset",
        "node",
        "end",
    ]
    assert "stays in force, because the new one has errors" in done.err


def test_telemetry_that_fails_is_said_once_and_when_it_is_back(gpurules: Any, source: Script) -> None:
    def fail() -> None:
        source.error = RuntimeError("the driver is gone")
        fill(source, 50)()

    def recover() -> None:
        source.error = None
        fill(source, 50)()

    thread = meanwhile(fill(source, 50), fail, recover)
    done = gpurules(*RUN)
    thread.join()
    said = [line for line in done.err.splitlines() if "telemetry" in line]
    assert said == ["gpurules: no telemetry: script: RuntimeError: the driver is gone", "gpurules: telemetry is back"]


def test_once_polls_once(gpurules: Any, source: Script) -> None:
    source.gpus = (gpu(90),)
    done = gpurules(*RUN, "--once")
    assert (done.code, source.reads) == (0, 1)
    assert "▲ pressure on GPU 0  on" in done.out
    assert "GPU 0 at 90 %" in done.err, "effects are called before the end"


def test_once_without_telemetry_is_2(gpurules: Any, source: Script) -> None:
    source.error = RuntimeError("no driver")
    done = gpurules(*RUN, "--once")
    assert (done.code, done.err) == (2, "gpurules: no telemetry: script: RuntimeError: no driver\n")


def test_a_dry_run_calls_nothing(gpurules: Any, source: Script, tmp_path: Path, endpoint: Endpoint) -> None:
    rule = f"{{name: call, condition: gpu_memory > 80, action: webhook, parameters: {{url: '{endpoint.url}'}}}}"
    (tmp_path / "node.rules.yaml").write_text(ruleset(rule))
    source.gpus = (gpu(90),)
    done = gpurules(*RUN, "--once", "--dry-run")
    assert "● call starts on GPU 0: webhook (dry run)" in done.out
    assert endpoint.received == []
    gpurules(*RUN, "--once")
    assert len(endpoint.received) == 1


@pytest.fixture
def endpoint() -> Any:
    served = Endpoint()
    yield served
    served.close()


def test_state_carries_timers_over_to_the_next_run(gpurules: Any, source: Script, tmp_path: Path) -> None:
    held = ruleset("{name: held, condition: gpu_memory > 80, action: pause_transfer, for: 50ms}")
    (tmp_path / "node.rules.yaml").write_text(held)
    source.gpus = (gpu(90),)
    first = gpurules(*RUN, "--once", "--state", "state.json")
    time.sleep(0.06)  # the two runs read the clock of the machine
    second = gpurules(*RUN, "--once", "--state", "state.json")
    assert "paused" not in first.out
    assert "paused" in second.out


def test_a_recording_can_be_run_like_a_node(gpurules: Any, tmp_path: Path) -> None:
    lines = [{"timestamp": 1000.0 + 5 * n, "gpus": [{"index": 0, "memory": m}]} for n, m in enumerate((50, 90, 50))]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = gpurules("run", "node.rules.yaml", "--source", "replay:r.jsonl", "--state", "s.json", "--format", "json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert (done.code, [e["timestamp"] for e in events if e["event"] == "signal"]) == (0, [1005.0, 1010.0])


def test_transfers_are_for_a_recording(gpurules: Any, source: Script, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("")
    done = gpurules(*RUN, "--transfers", "t.jsonl")
    assert done.code == 2


PROGRAM = """
import sys, time
import gpurules.cli.commands.run as run
from gpurules.cli.main import main
from tests.integration.coordinator.stand import Script, gpu
run.open_telemetry = lambda source, options: (Script(time.time, (gpu(90),)), 0.1)
sys.argv = ["gpurules", *sys.argv[1:]]
main()
"""


def started(*arguments: str, root: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, *RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_process_ends_in_order(root: Path, number: int, code: int) -> None:
    with started(root=root) as process:
        assert process.stdout is not None
        assert "ruleset tested" in process.stdout.readline()
        assert "memory 90.0 %" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert process.returncode == code
        assert "log 1 sent" in out
        assert "Traceback" not in err


def test_a_reader_that_goes_away_ends_it(root: Path) -> None:
    with started("--format", "json", root=root) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        Path("node.rules.yaml").write_text(RULES.replace("> 85", "> 95"))
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_metrics_are_served_on_the_loopback(gpurules: Any, source: Script) -> None:
    import socket
    from urllib.request import urlopen

    pytest.importorskip("prometheus_client")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    texts: list[str] = []

    def ask() -> None:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            texts.append(answer.read().decode())

    thread = meanwhile(fill(source, 90), ask)
    done = gpurules(*RUN, "--metrics-port", port)
    thread.join()
    assert done.code == 0
    assert 'gpurules_rule_outcomes_total{outcome="true",rule="said"}' in texts[0]


def test_a_port_that_is_taken_is_2(gpurules: Any, source: Script, endpoint: Endpoint) -> None:
    pytest.importorskip("prometheus_client")
    done = gpurules(*RUN, "--metrics-port", endpoint.port)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
