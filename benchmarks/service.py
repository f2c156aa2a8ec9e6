"""The service beside a bare echo: what a request costs, batches, round trips of the client, memory, streams.

Echo and service take turns of a second in one run; figures are medians, and ratios are of turns that follow each other.
What a request costs is processor time of the server, which other programs of the machine hardly change.
Usage: python benchmarks/service.py [ROUNDS]
"""

import asyncio
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from timeit import repeat

from results import write

import gpurules
from gpurules.remote import RemoteEngine
from gpurules.remote.connection.address import Address
from gpurules.remote.connection.link import Link
from gpurules.service.wire.decisions import DecisionEncoder
from gpurules.service.wire.requests import read_decide

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
CONNECTIONS = 8
BODY = {"id": "t-1", "path": "/data/x.tar", "size": 4976698672, "priority": 0, "operation": "read"}
RULES = """\
version: 1
name: five
settings: {poll_interval: %s, stale_after: 1h}
signals: {warm: {condition: gpu_temperature > 30C}}
rules:
  - {name: hold, condition: warm AND transfer_size > 1GiB, action: delay_transfer, parameters: {delay: 30s}}
  - {name: wait, condition: gpu_temperature > 20C AND file_type != 'model', action: delay_transfer,
     parameters: {delay: 9s}}
  - {name: less, condition: warm, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
  - {name: even_less, condition: gpu_temperature > 25C, action: reduce_prefetch, parameters: {reduction_factor: 0.4}}
  - {name: first, condition: transfer_size > 1MiB, action: increase_priority, parameters: {priority_boost: 5}}
"""
ECHO = """
import sys
import uvicorn
from starlette.routing import Route, Router
answer = bytes(int(sys.argv[2]))
async def read(receive):
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            return body
class Echo:
    async def __call__(self, scope, receive, send):
        await read(receive)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
app = Router([Route("/v1/decide", Echo())])
uvicorn.run(app, uds=sys.argv[1], log_level="critical", access_log=False, lifespan="off", server_header=False)
"""

POLLED = """
import math, sys, time
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.rules import load
from gpurules.service.server import ReloadNotice, ServeOptions, serve
from gpurules.telemetry import open_source
reads = []
class Noted:
    def __init__(self, source):
        self.source, self.name = source, source.name
    def read(self):
        reads.append(time.monotonic())
        return self.source.read()
    def close(self):
        self.source.close()
source = Noted(open_source("synthetic:gpus=8,seconds=360000,interval=0.1,faults=0"))
coordinator = Coordinator(load(sys.argv[1]), source, options=CoordinatorOptions(poll_interval=0.1))
with coordinator, serve(coordinator, ServeOptions([f"unix:{sys.argv[2]}"]), ReloadNotice()):
    for line in sys.stdin:
        seen, reads[:] = list(reads), []
        print(*(f"{max(0.0, b - a - 0.1):.6f}" for a, b in zip(seen, seen[1:])), flush=True)
"""


def request(path: str, body: bytes, method: str = "POST") -> bytes:
    """Return a request in HTTP."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def opened(path: str, seconds: float = 20.0) -> socket.socket:
    """Return a connection, as soon as someone listens."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = socket.socket(socket.AF_UNIX)
            found.connect(path)
            return found
        except OSError:
            found.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def answer(connection: socket.socket) -> bytes:
    """Return the body of an answer."""
    data, whole = bytearray(), None
    while whole is None or len(data) < whole:
        data += connection.recv(1 << 20)
        end = data.find(b"\r\n\r\n") if whole is None else -1
        if end >= 0:
            length = data[:end].lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            whole = end + 4 + int(length)
    return bytes(data).partition(b"\r\n\r\n")[2]


def spent(process: "subprocess.Popen[bytes]") -> float:
    """Return the processor time that a process has taken, in seconds."""
    threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def load(path: str, message: bytes, process: "subprocess.Popen[bytes]", seconds: float = 1.0) -> float:
    """Return the processor time of the server for one request, over a few connections with one request at a time."""
    selector, count = selectors.DefaultSelector(), 0
    connections = [opened(path) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.sendall(message)
        size = len(answer(connection))
        selector.register(connection, selectors.EVENT_READ)
    before = spent(process)
    for connection in connections:
        connection.sendall(message)
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        for key, _ in selector.select(1):
            data = key.fileobj.recv(1 << 16)
            while len(data) < size + 100:  # head and body may come apart
                data += key.fileobj.recv(1 << 16)
            count += 1
            key.fileobj.sendall(message)
    taken = (spent(process) - before) / count
    for connection in connections:
        connection.close()
    return taken


def batch(path: str, process: "subprocess.Popen[bytes]", items: int = 10_000) -> float:
    """Return how many decisions of a batch are answered in a second of processor time."""
    message = request("/v1/decide:batch", json.dumps([{"transfer": BODY}] * items).encode())
    with opened(path) as connection:
        before = spent(process)
        connection.sendall(message)
        body = answer(connection)
        seconds = spent(process) - before
    assert len(json.loads(body)) == items
    return items / seconds


@contextmanager
def servers(folder: Path) -> Iterator[tuple[str, str, "subprocess.Popen[bytes]", "subprocess.Popen[bytes]"]]:
    """Run a service and an echo of answers of the same size, each in a process."""
    rules, service, echo = folder / "five.yaml", str(folder / "service.sock"), str(folder / "echo.sock")
    rules.write_text(RULES % "1s")
    source = "synthetic:gpus=8,seconds=360000,interval=0.1,faults=0"
    command = [sys.executable, "-m", "gpurules", "serve", str(rules), "--source", source, "--bind", f"unix:{service}"]
    agent = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    message = request("/v1/decide", json.dumps({"transfer": BODY}).encode())
    with opened(service) as connection:
        time.sleep(2)
        connection.sendall(message)
        size = len(answer(connection))
    bare = subprocess.Popen([sys.executable, "-c", ECHO, echo, str(size)], stdout=subprocess.DEVNULL)
    opened(echo).close()
    try:
        yield service, echo, agent, bare
    finally:
        for process in (agent, bare):
            process.terminate()
            process.wait(60)


def turns(first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float, float]:
    """Return the medians of two measurements that take turns, and of the ratios of the second to the first."""
    pairs = [(first(), second()) for _ in range(ROUNDS)]
    one, other = zip(*pairs, strict=True)
    return statistics.median(one), statistics.median(other), statistics.median(b / a for a, b in pairs)


def round_trips(path: str, count: int = 1500) -> float:
    """Return the median seconds of a bare round trip over one connection: send, receive, nothing read."""
    message, taken = request("/v1/decide", json.dumps({"transfer": BODY}).encode()), []
    with opened(path) as connection:
        for _ in range(count):
            began = time.perf_counter()
            connection.sendall(message)
            data = connection.recv(1 << 16)
            while not data.partition(b"\r\n\r\n")[2]:
                data += connection.recv(1 << 16)
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def client_trips(engine: RemoteEngine, count: int = 1500) -> float:
    """Return the median seconds of a decision by the client."""
    transfer, taken = gpurules.Transfer(**BODY), []
    for _ in range(count):
        began = time.perf_counter()
        decision = engine.decide(transfer)
        taken.append(time.perf_counter() - began)
        assert decision.source == "agent"
    return statistics.median(taken)


def codec() -> float:
    """Return the seconds from the bytes of a request to those of its answer, five rules matching."""
    engine, encoder, now = gpurules.Engine(gpurules.loads(RULES % "1s")), DecisionEncoder(), time.time()
    gpus = tuple(gpurules.GPU(index=index, temperature=50.0) for index in range(8))
    engine.observe(gpurules.Snapshot(timestamp=now, gpus=gpus))
    body = json.dumps({"transfer": {**BODY, "created": now - 1}}).encode()
    assert len(engine.decide(gpurules.Transfer(**BODY)).rules) == 5

    def once() -> bytes:
        asked = read_decide(body, {}, now)
        return encoder.encode(engine.decide(asked.transfer, asked.workload))

    return min(repeat(once, number=5000, repeat=7)) / 5000


async def _follow(path: str, followers: int, settling: float, begin: Callable[[], object], seconds: float) -> int:
    """Return how many events all followers were sent in *seconds* after *begin*, once they are there."""
    events = 0

    async def one() -> None:
        nonlocal events
        reader, writer = await asyncio.open_unix_connection(path, limit=1 << 22)
        writer.write(request("/v1/watch", b"", "GET"))
        try:
            while True:
                if b"event:" in await reader.readuntil(b"\n\n"):
                    events += 1
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    tasks = [asyncio.create_task(one()) for _ in range(followers)]
    await asyncio.sleep(settling)
    await asyncio.to_thread(begin)
    before = events
    await asyncio.sleep(seconds)
    found = events - before
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return found


@contextmanager
def first_in_line() -> Iterator[None]:
    """Have this program, and what it starts, run before all others, where the system lets it (as root)."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    except OSError:
        print("other programs delay the following, too: run it as root, or on a machine that is idle")
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def polled(folder: Path, followers: int, seconds: float) -> tuple[list[float], list[float], int]:
    """Return by how many seconds each poll was late, alone and with followers, and how many events these were sent."""
    rules, path = folder / "polled.yaml", str(folder / "polled.sock")
    rules.write_text(RULES % "100ms")
    command = [sys.executable, "-c", POLLED, str(rules), path]
    agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    opened(path).close()

    def late() -> list[float]:
        assert agent.stdin is not None and agent.stdout is not None
        agent.stdin.write(b"\n")
        agent.stdin.flush()
        return [float(one) for one in agent.stdout.readline().split()]

    time.sleep(2)
    late()
    time.sleep(seconds)
    alone = late()
    events = asyncio.run(_follow(path, followers, 2, late, seconds))
    found = late()
    agent.communicate(timeout=60)
    return alone, found, events


def high(values: list[float]) -> float:
    """Return the 99th percentile."""
    return sorted(values)[int(len(values) * 0.99)]


def resident(process: "subprocess.Popen[bytes]") -> float:
    """Return the memory that a process holds, in MiB."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def soak(path: str, agent: "subprocess.Popen[bytes]", seconds: float) -> tuple[float, float]:
    """Return the memory of the agent before and after clients that come and go, 50 at once, in MiB."""
    message, before = request("/v1/decide", json.dumps({"transfer": BODY}).encode()), resident(agent)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        clients = [opened(path) for _ in range(50)]
        for number, client in enumerate(clients):
            client.sendall(message if number % 2 else request("/v1/watch", b"", "GET"))
        for client in clients:
            client.recv(1 << 16)
            client.close()
    return before, resident(agent)


def requests(
    service: str, echo: str, agent: "subprocess.Popen[bytes]", bare: "subprocess.Popen[bytes]"
) -> dict[str, float]:
    """Return what a decision costs the service, and an answer of the same size the echo."""
    message = request("/v1/decide", json.dumps({"transfer": BODY}).encode())
    other, ours, ratio = turns(lambda: load(echo, message, bare), lambda: load(service, message, agent))
    print(
        f"processor time of a request    {ours * 1e6:8.1f} us  echo {other * 1e6:.1f}: "
        f"{1 / ratio:.2f} x its speed (at least 0.75, aim 0.9)"
    )
    return {"request_seconds": ours, "echo_request_seconds": other, "requests_ratio": 1 / ratio}


def main() -> None:
    """Print every figure, and write them for programs."""
    found: dict[str, float] = {"codec_microseconds": codec() * 1e6}
    print(f"codec, five rules matching     {found['codec_microseconds']:8.1f} us  (at most 12, aim 5)")
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as (service, echo, agent, bare):
        found |= requests(service, echo, agent, bare)
        found["batch"] = statistics.median(batch(service, agent) for _ in range(ROUNDS))
        print(f"decisions a second, batch      {found['batch']:8.0f}     (at least 100000, aim 250000)")
        engine = RemoteEngine(Link(Address(path=service), None, 5.0))
        other, ours, ratio = turns(lambda: round_trips(echo), lambda: client_trips(engine))
        print(
            f"connect().decide round trip    {ours * 1e6:8.0f} us  echo {other * 1e6:.0f}: {ratio:.2f} x (at most 1.5)"
        )
        found |= {"trip_seconds": ours, "echo_trip_seconds": other, "trip_ratio": ratio}
        engine.stop()
        soak(service, agent, 5)
        before, after = soak(service, agent, 30)
        print(f"memory while 50 clients come and go  {before:.0f} MiB, 30 s later {after:.0f} MiB (at most 80)")
        found |= {"memory_mebibytes": after, "memory_before_mebibytes": before}
    with tempfile.TemporaryDirectory() as folder, first_in_line():
        alone, late, events = polled(Path(folder), 500, 15.0)
        found |= {"poll_late_alone_seconds": high(alone), "poll_late_seconds": high(late), "stream_events": events / 15}
        print(
            f"500 streams, 10 snapshots/s: {events / 15:.0f} events a second; polls later by (p99) "
            f"{(high(late) - high(alone)) * 1e3:.1f} ms: {high(late) * 1e3:.1f} ms, alone {high(alone) * 1e3:.1f} ms "
            "(below 5, aim 1)"
        )
    write("service", found)


if __name__ == "__main__":
    main()
