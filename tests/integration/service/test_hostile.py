"""Clients that misbehave, disks that are full, clocks that jump: the agent goes on, and polls go on."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cases import representative
from tests.integration.service.agents import RULES, RunningAgent, Start
from tests.waiting import wait_until


def raw(agent: RunningAgent, timeout: float = 20.0) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    while True:
        try:
            connection.connect(os.fspath(agent.socket))
            return connection
        except BlockingIOError:  # as many as may wait to be accepted
            time.sleep(0.01)  # connect() of a full queue says so at once, and not when there is room


def polls(agent: RunningAgent) -> int:
    return int(agent.ask("GET", "/v1/status").json["polls"])


@pytest.fixture
def still_polling(agent: RunningAgent) -> Iterator[None]:
    before = polls(agent)
    yield
    wait_until(lambda: polls(agent) > before)
    assert agent.ask("POST", "/v1/decide", {"transfer": {"size": 2 << 30}}).json["delay"] == 30


@pytest.mark.usefixtures("still_polling")
def test_headers_that_are_too_large_are_refused(agent: RunningAgent) -> None:
    with raw(agent) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        try:
            for number in range(200):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"a" * 1000))
            answer = connection.recv(65536)
        except (BrokenPipeError, ConnectionResetError):
            return
    assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


@pytest.mark.usefixtures("still_polling")
@pytest.mark.slow
def test_clients_that_send_headers_or_a_body_slowly_are_cut_off(agent: RunningAgent) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(raw(agent)) for _ in range(51)]
        for connection in slow[1:]:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        slow[0].sendall(b"POST /v1/decide HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        assert agent.ask("GET", "/healthz").status == 200 and time.monotonic() - began < 2
        answers = [connection.recv(65536) for connection in slow]
        assert 8 < time.monotonic() - began < 18
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)


@pytest.mark.usefixtures("still_polling")
def test_a_connection_that_is_closed_halfway_leaves_nothing_behind(agent: RunningAgent) -> None:
    for _ in range(50):
        with raw(agent) as connection:
            connection.sendall(b"POST /v1/decide HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    with raw(agent) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)
    wait_until(lambda: agent.ask("GET", "/v1/status").json["followers"] == 0)


@pytest.mark.usefixtures("still_polling")
def test_requests_that_come_together_are_answered_in_order(agent: RunningAgent) -> None:
    with raw(agent) as connection:
        connection.sendall(b"".join(b"GET /v1/rules?limit=%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in (1, 2)) * 20)
        answer = b""
        while answer.count(b"HTTP/1.1 200") < 40:
            answer += connection.recv(65536)
    bodies = [part.split(b"\r\n\r\n", 1)[1] for part in answer.split(b"HTTP/1.1 200")[1:-1]]
    assert [len(json.loads(body)["items"]) for body in bodies] == ([1, 2] * 20)[:-1]


@pytest.mark.usefixtures("still_polling")
@pytest.mark.slow
def test_many_connections_at_once_are_held(agent: RunningAgent) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    wanted = min(10_000, hard - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + 400, hard))
    try:
        with ExitStack() as stack:
            for _ in range(wanted):
                stack.enter_context(raw(agent))
            answer = agent.ask("GET", "/healthz")
            assert answer.status == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_beyond_the_open_files_do_not_stop_the_agent(start: Start) -> None:
    agent = start()
    resource.prlimit(agent.process.pid, resource.RLIMIT_NOFILE, (80, 80))
    before = polls(agent)
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(raw(agent))
        time.sleep(2)  # the agent stays out of descriptors for several polls

    def polled() -> bool:
        try:
            return polls(agent) > before + 1
        except OSError:  # one of the connections that the agent had no file for
            return False

    wait_until(polled, 30)


@pytest.mark.usefixtures("still_polling")
def test_a_stream_that_is_not_read_is_bounded(agent: RunningAgent) -> None:
    with raw(agent) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.5)  # the agent goes on writing into a connection that is not read
    wait_until(lambda: agent.ask("GET", "/v1/status").json["followers"] == 0)


@pytest.mark.usefixtures("still_polling")
@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nname: x\nrules:\n" + "  - {name: r, condition: gpu_memory > 1, action: pause_transfer}\n" * 2000,
        "version: 1\nname: x\nrules: [{name: a, condition: '" + "NOT " * 3000 + "gpu_memory > 1', action: log}]",
        "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n",
        "version: 1\nname: x\nextends: [/etc/passwd]\nrules: []\n",
        "version: 1\nname: x\nextends: [../../etc/hostname]\nrules: []\n",
        "\x00\x01",
        "[" * 50_000,
    ],
    ids=["many", "deep", "aliases", "absolute", "relative", "binary", "brackets"],
)
def test_a_hostile_ruleset_that_is_tried_is_answered_by_findings(agent: RunningAgent, text: str) -> None:
    answer = agent.ask("POST", "/v1/evaluate", {"ruleset": text})
    assert answer.status == 200, answer.body[:300]
    assert answer.json["decision"] is None and answer.json["diagnostics"]
    assert "root:" not in answer.body.decode()


def test_a_ruleset_that_is_tried_changes_nothing(agent: RunningAgent) -> None:
    text = RULES.replace("delay: 30s", "delay: 77s")
    asked = {"ruleset": text, "transfer": {"size": 2 << 30}}
    answer = agent.ask("POST", "/v1/evaluate", asked).json
    assert answer["decision"]["delay"] == 77 and answer["diagnostics"] == []
    assert agent.ask("POST", "/v1/decide", {"transfer": {"size": 2 << 30}}).json["delay"] == 30


def test_facts_are_tried_against_the_running_ruleset(agent: RunningAgent) -> None:
    cold = {"timestamp": 1.0, "gpus": [{"index": 0, "temperature": 20}]}
    answer = agent.ask("POST", "/v1/evaluate", {"snapshot": cold, "transfer": {"size": 2 << 30}}).json
    assert answer["decision"]["matched"] == [] and answer["explanation"]["rules"]


def test_what_a_request_contains_reaches_the_log_made_visible(start: Start) -> None:
    agent = start()
    for path in ("/v1/transfers/%1b%5b31m%0aforged", "/%1b%5b2J%0aforged"):
        agent.ask("PUT", path, {"transfer": {"path": "\x1b[31m\nforged"}})
    agent.ask("GET", "/v1/rules?limit=%0aforged")
    assert "\x1b[" not in agent.said and "\nforged" not in agent.said


def test_a_state_file_that_cannot_be_written_stops_nothing(start: Start) -> None:
    agent = start("--state", "/dev/full/state.json")
    before = polls(agent)
    wait_until(lambda: polls(agent) > before + 1)
    assert agent.ask("POST", "/v1/decide", {"transfer": {"size": 2 << 30}}).json["delay"] == 30


def test_the_state_of_signals_outlives_a_kill(start: Start, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("state")
    rules = RULES.replace("gpu_temperature > 30C}", "gpu_temperature > 30C, for: 2s}")
    agent = start("--state", str(folder / "state.json"), rules=rules, folder=folder)
    wait_until(lambda: any(signal["on"] for signal in agent.ask("GET", "/v1/signals").json["items"]))
    since = [signal["since"] for signal in agent.ask("GET", "/v1/signals").json["items"]]
    agent.process.kill()
    agent.process.wait()
    again = start("--state", str(folder / "state.json"), folder=folder)
    found = again.ask("GET", "/v1/signals").json["items"]
    assert all(signal["on"] for signal in found)
    assert [round(signal["since"], 3) for signal in found] == [round(at, 3) for at in since]


def test_a_registered_transfer_lapses_when_its_client_is_gone(agent: RunningAgent) -> None:
    agent.ask("PUT", "/v1/transfers/short", {"transfer": {"size": 5}, "ttl": 0.5})
    agent.ask("PUT", "/v1/transfers/long", {"transfer": {"size": 5}, "ttl": 600})
    wait_until(lambda: agent.ask("GET", "/v1/transfers/short").status == 404)
    assert agent.ask("GET", "/v1/transfers/long").json["transfer"]["size"] == 5
    assert agent.ask("DELETE", "/v1/transfers/long").status == 204
    assert agent.ask("DELETE", "/v1/transfers/long").status == 404


def test_a_workload_is_leased(agent: RunningAgent) -> None:
    body = {"workload": {"type": "training", "gpu_devices": [0]}, "ttl": 0.5}
    assert [agent.ask("PUT", "/v1/workloads/w", body).status for _ in range(2)] == [201, 200]
    assert [one["id"] for one in agent.ask("GET", "/v1/workloads").json["items"]] == ["w"]
    wait_until(lambda: agent.ask("GET", "/v1/workloads").json["items"] == [])
    for ttl in (0, -1, 1e9, "x", True):
        assert agent.ask("PUT", "/v1/workloads/w", {"workload": {}, "ttl": ttl}).status == 400
    assert agent.ask("PUT", "/v1/workloads/w", {"workload": {"id": "v"}}).status == 409


def test_two_signals_end_the_agent_at_once(start: Start) -> None:
    agent = start()
    agent.process.send_signal(signal.SIGINT)
    assert agent.process.wait(15) == 130


CLOCK = """
import sys, threading, time
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.rules import load
from gpurules.service.server import ReloadNotice, ServeOptions, serve
from gpurules.telemetry import open_source
offset = [0.0]
coordinator = Coordinator(
    load(sys.argv[1]), open_source("synthetic:gpus=2,seconds=36000,interval=1,faults=0"),
    clock=lambda: time.time() + offset[0], steady=time.monotonic, options=CoordinatorOptions(poll_interval=0.2),
)
with coordinator, serve(coordinator, ServeOptions([f"unix:{sys.argv[2]}"]), ReloadNotice()):
    print("up", flush=True)
    for line in sys.stdin:
        offset[0] += float(line)
"""


@pytest.mark.parametrize("jump", representative([-86_400.0, 86_400.0], 1))
def test_a_clock_that_jumps_stops_neither_polls_nor_streams(
    jump: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("clock")
    (folder / "node.yaml").write_text(RULES)
    arguments = [sys.executable, "-c", CLOCK, str(folder / "node.yaml"), str(folder / "a.sock")]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    agent = RunningAgent(process, folder / "a.sock", folder / "node.yaml", folder / "log")
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == b"up\n"
        wait_until(lambda: polls(agent) > 2)
        process.stdin.write(b"%f\n" % jump)
        process.stdin.flush()
        before, answers = polls(agent), []
        wait_until(lambda: polls(agent) > before + 3)
        thread = threading.Thread(target=lambda: answers.append(agent.ask("GET", "/v1/directives?wait=0.3&revision=1")))
        thread.start()
        thread.join(10)
        assert answers[0].status == 200
        assert agent.ask("POST", "/v1/decide", {"transfer": {"size": 2 << 30}}).json["matched"]
    finally:
        process.kill()
        process.communicate()


def test_a_disk_that_is_full_stops_nothing_and_is_written_to_again(
    start: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("full")
    outputs = ("--state", str(folder / "state.json"), "--history", str(folder / "history"))
    agent = start(*outputs, "--publish", str(folder / "published"), folder=folder)
    resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))  # its log, too
    before = polls(agent)
    wait_until(lambda: polls(agent) > before + 1)
    agent.ruleset.write_text(RULES.replace("delay: 30s", "delay: 31s"))
    assert agent.ask("POST", "/v1/reload").status == 200
    assert agent.ask("POST", "/v1/decide", {"transfer": {"size": 2 << 30}}).json["delay"] == 31
    assert agent.ask("GET", "/v1/history?field=temperature&since=-80000").json["times"]
    resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    (folder / "state.json").unlink(missing_ok=True)
    wait_until((folder / "state.json").exists)
    assert agent.stop() == 0
    assert list((folder / "history").rglob("*.parquet"))
