"""The Python client: the agent's answers with the interface of an engine, and never a reason to wait."""

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

import gpurules
from gpurules.errors import GpurulesError
from gpurules.governor import Governor
from gpurules.remote import RemoteEngine
from gpurules.remote.connection.address import AddressError
from tests.integration.service.agents import RULES, RunningAgent, Start
from tests.waiting import wait_until

LARGE = gpurules.Transfer(id="t", path="/data/a.tar", size=2 << 30)
SMALL = gpurules.Transfer(id="s", path="/data/b.tar", size=5)


def remote_to(path: Path, **options: float) -> RemoteEngine:
    engine = gpurules.connect(f"unix:{path}", **options)
    assert isinstance(engine, RemoteEngine)
    return engine


@pytest.fixture
def remote(agent: RunningAgent) -> Iterator[RemoteEngine]:
    engine = remote_to(agent.socket, timeout=2.0)
    yield engine
    engine.stop(1.0)


@contextmanager
def served_by(answer: Callable[[socket.socket], object], path: Path) -> Iterator[None]:
    """Listen at *path* and have *answer* see to each connection; at the end every connection is closed."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(os.fspath(path))
        listening.listen()

        def reply(connection: socket.socket) -> None:
            with suppress(OSError):  # of a client that has given up
                answer(connection)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                opened.callback(connection.close)
                threading.Thread(target=reply, args=(connection,), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()


def test_a_decision_is_that_of_the_agent(remote: RemoteEngine) -> None:
    decision = remote.decide(LARGE)
    assert decision.rules == ("hold_large", "prefetch_less") and decision.delay == 30
    assert decision.prefetch_factor == 0.5 and decision.matched[0].devices == (0, 1)
    assert decision.source == "agent" and not decision.stale


def test_its_json_is_that_of_the_agent(agent: RunningAgent, remote: RemoteEngine) -> None:
    mine, its = remote.decide(LARGE).to_dict(), agent.ask("POST", "/v1/decide", {"transfer": LARGE.to_dict()}).json
    assert {**mine, "snapshot_time": 0} == {**its, "snapshot_time": 0}


def test_many_transfers_are_asked_about_in_one_request(remote: RemoteEngine) -> None:
    decisions = remote.decide_many([LARGE, SMALL] * 600)
    assert [decision.delay for decision in decisions] == [30, 0] * 600
    assert {decision.source for decision in decisions} == {"agent"}


def test_the_node_has_directives(remote: RemoteEngine) -> None:
    assert remote.directives() == {"prefetch_factor": 0.5}


def test_reasons_come_from_the_agent(remote: RemoteEngine) -> None:
    explained = remote.explain(LARGE)
    assert explained.rule("hold_large").outcome == "match" and "hold_large" in str(explained)
    assert remote.decide(SMALL).explain().rule("hold_large").outcome == "no-match"


def test_a_request_that_the_agent_refuses_stops_nothing(remote: RemoteEngine) -> None:
    remote.directives()
    decision = remote.decide(gpurules.Transfer(file_type="no such type"))
    assert decision.source == "directives" and decision.prefetch_factor == 0.5
    assert remote.counts["refused"] == 1 and remote.decide(LARGE).source == "agent"


def test_a_name_that_is_not_utf_8_reaches_the_agent(remote: RemoteEngine) -> None:
    assert remote.decide(gpurules.Transfer(path="/data/\udcff.tar", size=2 << 30)).delay == 30


def test_threads_share_an_engine(remote: RemoteEngine) -> None:
    delays: list[float] = []

    def ask() -> None:
        delays.extend(remote.decide(LARGE).delay for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert delays == [30] * 400 and remote.counts["agent"] >= 400


def _ask_in_child(remote: RemoteEngine, queue: "multiprocessing.Queue[tuple[float, str]]") -> None:
    decision = remote.decide(LARGE)
    queue.put((decision.delay, decision.source))


def test_a_forked_child_asks_on_a_connection_of_its_own(remote: RemoteEngine) -> None:
    remote.decide(LARGE)
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[tuple[float, str]] = context.Queue()
    child = context.Process(target=_ask_in_child, args=(remote, queue))
    child.start()
    assert queue.get(timeout=20) == (30, "agent")
    child.join(20)
    assert remote.decide(LARGE).source == "agent"


def test_tasks_ask_without_blocking_the_loop(agent: RunningAgent) -> None:
    async def ask() -> list[float]:
        engine = gpurules.aconnect(f"unix:{agent.socket}", timeout=2.0)
        try:
            decisions = await asyncio.gather(*(engine.decide(LARGE if n % 2 else SMALL) for n in range(100)))
            assert (await engine.directives())["prefetch_factor"] == 0.5
            assert {decision.source for decision in decisions} == {"agent"}
            return [decision.delay for decision in decisions]
        finally:
            engine.stop()

    assert asyncio.run(ask()) == [0, 30] * 50


def test_a_governor_holds_what_the_agent_delays(remote: RemoteEngine) -> None:
    governor = Governor(remote)
    held = governor.transfer(LARGE)
    moving = governor.transfer(SMALL)
    states = {transfer.id: transfer for transfer in governor.status().transfers}
    assert states["t"].state == "held" and states["t"].rules == ("hold_large",)
    assert states["s"].state == "queued"
    held.cancel()
    moving.cancel()
    governor.stop()


def test_a_governor_learns_of_a_change_at_the_agent(start: Start) -> None:
    agent = start()
    remote = remote_to(agent.socket, timeout=2.0)
    governor = Governor(remote)
    held = governor.transfer(LARGE)
    assert governor.status().transfers[0].state == "held"
    agent.ask("POST", "/v1/disable")
    wait_until(lambda: governor.status().transfers[0].state != "held")
    held.cancel()
    governor.stop()
    remote.stop()


def test_a_governor_learns_of_a_change_that_no_directive_of_the_node_shows(start: Start) -> None:
    agent = start(rules=RULES.partition("  - name: prefetch_less")[0])
    remote = remote_to(agent.socket, timeout=2.0)
    governor = Governor(remote)
    held = governor.transfer(LARGE)
    assert governor.status().transfers[0].state == "held" and remote.directives() == {}
    agent.ask("POST", "/v1/disable")
    wait_until(lambda: governor.status().transfers[0].state != "held")
    agent.ask("POST", "/v1/enable")
    held.cancel()
    governor.stop()
    remote.stop()


def test_without_an_agent_nothing_is_asked_and_nothing_waits(tmp_path: Path) -> None:
    remote = remote_to(tmp_path / "none.sock")
    began = time.monotonic()
    decisions = [remote.decide(LARGE) for _ in range(100)]
    assert time.monotonic() - began < 1
    assert {decision.source for decision in decisions} == {"fallback"}
    assert {decision.delay for decision in decisions} == {0} and decisions[0].stale
    assert remote.counts["fallback"] == 100 and remote.status()["breaker"] != "closed"
    remote.stop()


def test_a_hanging_agent_costs_a_few_time_outs_and_then_nothing(tmp_path: Path) -> None:
    with served_by(lambda connection: None, tmp_path / "a.sock"):
        remote = remote_to(tmp_path / "a.sock", timeout=0.05)
        longest, began = 0.0, time.monotonic()
        for _ in range(200):
            before = time.monotonic()
            assert remote.decide(LARGE).source == "fallback"
            longest = max(longest, time.monotonic() - before)
        assert longest < 0.5 and time.monotonic() - began < 2
        assert 1 <= remote.counts["timeouts"] <= 6
        remote.stop()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull",
        b'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{"matched": 7}',
        b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\x00" * 100_000,
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000,
    ],
)
def test_an_answer_that_is_broken_stops_nothing(tmp_path: Path, answer: bytes) -> None:
    def reply(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    with served_by(reply, tmp_path / "a.sock"):
        remote = remote_to(tmp_path / "a.sock", timeout=0.2)
        assert [remote.decide(LARGE).source for _ in range(5)] == ["fallback"] * 5
        assert remote.decide_many([LARGE, SMALL])[0].source == "fallback" and remote.directives() == {}
        remote.stop()


def test_a_late_answer_is_not_taken_for_the_next(tmp_path: Path) -> None:
    body = (
        b'{"matched":[],"prefetch_factor":%s,"delay":0,"priority_boost":0,"stage":null,"max_bandwidth":null,'
        b'"max_concurrency":null,"paused":false,"snapshot_time":1.0,"stale":false,"ruleset_version":"v"}'
    )

    def reply(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65536):
                if b"slow" in data:
                    time.sleep(0.3)  # longer than the client waits, which is real time
                text = body % (b"0.1" if b"slow" in data else b"0.9")
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))

    with served_by(reply, tmp_path / "a.sock"):
        remote = remote_to(tmp_path / "a.sock", timeout=0.1)
        assert remote.decide(gpurules.Transfer(path="/quick")).source == "agent"
        assert remote.decide(gpurules.Transfer(path="/slow")).source == "fallback"
        time.sleep(0.3)  # the late answer has come by now, on a connection that is given up
        assert remote.decide(gpurules.Transfer(path="/quick")).to_dict()["snapshot_time"] == 1.0
        assert remote.counts["agent"] >= 2
        remote.stop()


def test_the_last_directives_hold_when_the_agent_is_killed_and_it_is_found_again(start: Start) -> None:
    agent = start()
    remote = remote_to(agent.socket, timeout=1.0)
    assert remote.decide(LARGE).source == "agent" and remote.directives() == {"prefetch_factor": 0.5}
    agent.process.kill()
    agent.process.wait()
    decisions = [remote.decide(LARGE) for _ in range(20)]
    assert {decision.source for decision in decisions} == {"directives"}
    assert {(decision.prefetch_factor, decision.delay) for decision in decisions} == {(0.5, 0)}
    start(folder=agent.socket.parent)
    wait_until(lambda: remote.decide(LARGE).source == "agent")
    assert remote.decide(LARGE).delay == 30
    remote.stop()


def test_directives_expire(start: Start) -> None:
    agent = start(rules=RULES.replace("stale_after: 1h", "stale_after: 2s"))
    remote = remote_to(agent.socket, timeout=1.0)
    wait_until(lambda: remote.directives() == {"prefetch_factor": 0.5})
    agent.process.kill()
    agent.process.wait()
    wait_until(lambda: remote.decide(LARGE).source == "fallback", 6)
    assert remote.decide(LARGE).prefetch_factor == 1.0 and remote.directives() == {} and remote.is_stale


def test_a_stopped_agent_holds_up_no_one(start: Start) -> None:
    agent = start()
    remote = remote_to(agent.socket, timeout=0.1)
    wait_until(lambda: remote.decide(LARGE).source == "agent")
    agent.process.send_signal(signal.SIGSTOP)
    state = Path(f"/proc/{agent.process.pid}/stat")
    wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")
    try:
        before = time.monotonic()
        sources = {remote.decide(LARGE).source for _ in range(50)}
        assert "agent" not in sources and time.monotonic() - before < 2
    finally:
        agent.process.send_signal(signal.SIGCONT)
    wait_until(lambda: remote.decide(LARGE).source == "agent")
    remote.stop()


def test_the_address_comes_from_the_environment(agent: RunningAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPURULES_ADDRESS", f"unix:{agent.socket}")
    remote = gpurules.connect(timeout=2.0)
    assert remote.decide(LARGE).source == "agent"
    remote.stop()


@pytest.mark.parametrize(
    "text", ["", "unix:", "tcp:1.2.3.4:5", "http://", "http://h:99999", "http://u@h", "ftp://h", "h:1"]
)
def test_a_wrong_address_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPURULES_ADDRESS", "")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nonexistent")
    with pytest.raises(GpurulesError) as caught:
        gpurules.connect(text)
    assert text == "" or isinstance(caught.value, AddressError)


def test_without_an_agent_a_ruleset_decides_in_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GPURULES_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "node.yaml").write_text(RULES)
    local = gpurules.connect(ruleset=tmp_path / "node.yaml")
    assert local.decide(LARGE).source == "engine"
    local.stop()


def test_a_program_that_ends_does_not_wait_for_the_agent(agent: RunningAgent) -> None:
    code = f"import gpurules; e = gpurules.connect('unix:{agent.socket}'); e.on_change(lambda: None); e.directives()"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "") and time.monotonic() - began < 10
