"""The clients of the agent in curl, Python, Go and C ask a real one, and go on without it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.waiting import wait_until, while_running

RULES = """\
version: 1
name: node
settings: {poll_interval: 1s, stale_after: 1h}
signals: {warm: {condition: gpu_temperature > 30C}}
rules:
  - {name: hold_large, condition: warm AND transfer_size > 1GiB, action: delay_transfer, parameters: {delay: 2s}}
  - {name: prefetch_less, condition: warm, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
"""
SOURCE = "synthetic:gpus=2,seconds=36000,interval=1,faults=0"


@pytest.fixture(scope="module")
def agent_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("agent")
    (folder / "node.yaml").write_text(RULES)
    command = [sys.executable, "-m", "gpurules", "serve", str(folder / "node.yaml"), "--source", SOURCE]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--bind", f"unix:{folder}/a.sock"], stdout=log, stderr=log)
    log_text = (folder / "log").read_text
    wait_until(while_running(process, lambda: "prefetch_less" in log_text()), what="a rule matches")
    yield folder / "a.sock"
    process.terminate()
    assert process.wait(15) == 0


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def test_curl_asks_over_the_socket(root: Path, agent_socket: Path) -> None:
    needs("curl")
    decision, explained = run("sh", root / "examples/agent/decide.sh", agent_socket).splitlines()
    assert json.loads(decision)["delay"] == 2
    assert {rule["outcome"] for rule in json.loads(explained)["explanation"]["rules"]} == {"match"}


def test_a_governor_follows_the_agent(root: Path, agent_socket: Path) -> None:
    lines = run(sys.executable, root / "examples/agent/governed.py", agent_socket).splitlines()
    assert lines[:2] == ["agent: delay 2 s, 50% of the prefetch", "shard-0001 is held by hold_large"]
    assert lines[-1] == "its first part moves"


@pytest.fixture(scope="module", params=["c", "go"])
def client(request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, built = root / f"examples/agent/decide.{request.param}", tmp_path_factory.mktemp("built") / "decide"
    if request.param == "c":
        run(needs("cc"), "-Wall", "-Wextra", "-Werror", "-o", built, source)
    else:
        run(needs("go"), "build", "-o", built, source)
    return built


def test_a_compiled_client_asks_over_the_socket(client: Path, agent_socket: Path) -> None:
    assert run(client, agent_socket).splitlines()[0] == "delay 2 s, paused false, 0.5 of the prefetch"


def test_a_compiled_client_goes_on_without_an_agent(client: Path, tmp_path: Path) -> None:
    assert run(client, tmp_path / "none.sock").startswith("go ahead")


@pytest.mark.slow
def test_the_simulated_node_has_traffic(root: Path) -> None:
    import socket
    from http.client import HTTPConnection

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, root / "examples/agent/simulated_node.py", str(port), "60"])

    def transfers() -> list[object]:
        with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection, suppress(OSError):
            connection.request("GET", "/v1/transfers")
            return list(json.loads(connection.getresponse().read())["items"])
        return []

    try:
        wait_until(while_running(process, transfers), 50, "a transfer is listed")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_the_story_of_an_agent_loses_no_signal_and_no_transfer(root: Path) -> None:
    needs("curl")
    out = run(sys.executable, root / "examples/agent/story.py")
    for line in (
        "curl is asked to wait 60 s, and the transfer of a Python program is held",
        "a wrong edit is refused (409)",
        "did you mean 'gpu_temperature'?",
        "curl is asked to wait 90 s",
        "decisions come from directives",
        "every signal is on since before",
        "the rules are disabled, and the transfer moves",
    ):
        assert line in out
    assert out.count("the transfer is held") == 2
