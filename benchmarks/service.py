"""The service beside a bare echo: requests per second, batches, round trips of the client, streams.

Echo and service take turns of a second in one run, each on one core; figures are medians, and ratios are of turns that
follow each other. Usage: python benchmarks/service.py [ROUNDS]
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
from gpurules.remote.address import Address
from gpurules.remote.link import Link
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


def load(path: str, message: bytes, seconds: float) -> float:
    """Return how many requests are answered a second over a few connections, each with one request at a time."""
    selector, count = selectors.DefaultSelector(), 0
    connections = [opened(path) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.sendall(message)
        size = len(answer(connection))
        selector.register(connection, selectors.EVENT_READ)
    for connection in connections:
        connection.sendall(message)
    began = time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        for key, _ in selector.select(1):
            data = key.fileobj.recv(1 << 16)
            while len(data) < size + 100:  # head and body may come apart
                data += key.fileobj.recv(1 << 16)
            count += 1
            key.fileobj.sendall(message)
    for connection in connections:
        connection.close()
    return count / (now - began)


def batch(path: str, items: int = 10_000) -> float:
    """Return how many decisions of a batch are answered a second."""
    message = request("/v1/decide:batch", json.dumps([{"transfer": BODY}] * items).encode())
    with opened(path) as connection:
        began = time.perf_counter()
        connection.sendall(message)
        body = answer(connection)
        seconds = time.perf_counter() - began
    assert len(json.loads(body)) == items
    return items / seconds


@contextmanager
def servers(folder: Path, poll: str = "1s") -> Iterator[tuple[str, str, "subprocess.Popen[bytes]"]]:
    """Run a service and an echo of answers of the same size, each in a process."""
    rules, service, echo = folder / "five.yaml", str(folder / "service.sock"), str(folder / "echo.sock")
    rules.write_text(RULES % poll)
    source = "synthetic:gpus=8,seconds=360000,interval=0.1,faults=0"
    command = [sys.executable, "-m", "gpurules", "serve", str(rules), "--source", source, "--bind", f"unix:{service}"]
    agent = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    message = request("/v1/decide", json.dumps({"transfer": BODY}).encode())
    with opened(service) as connection:
        time.sleep(2)
        connection.sendall(message)
        size = len(answer(connection))
    bare = subprocess.Popen([sys.executable, "-c", ECHO, echo, str(size)])
    opened(echo).close()
    try:
        yield service, echo, agent
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


async def _follow(path: str, followers: int, seconds: float) -> int:
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
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return events


def status(path: str) -> dict[str, float]:
    """Return the status of the agent."""
    with opened(path) as connection:
        connection.sendall(request("/v1/status", b"", "GET"))
        found: dict[str, float] = json.loads(answer(connection))
        return found


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


def main() -> None:
    """Print every figure, and write them for programs."""
    found: dict[str, float] = {"codec_microseconds": codec() * 1e6}
    print(f"codec, five rules matching     {found['codec_microseconds']:8.1f} us  (at most 12, aim 5)")
    message = request("/v1/decide", json.dumps({"transfer": BODY}).encode())
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as (service, echo, agent):
        bare, ours, ratio = turns(lambda: load(echo, message, 1.0), lambda: load(service, message, 1.0))
        print(f"requests a second              {ours:8.0f}     echo {bare:.0f}: {ratio:.2f} x (at least 0.75, aim 0.9)")
        found |= {"requests": ours, "echo_requests": bare, "requests_ratio": ratio}
        found["batch"] = statistics.median(batch(service) for _ in range(ROUNDS))
        print(f"decisions a second, batch      {found['batch']:8.0f}     (at least 100000, aim 250000)")
        engine = RemoteEngine(Link(Address(path=service), None, 5.0))
        bare, ours, ratio = turns(lambda: round_trips(echo), lambda: client_trips(engine))
        print(
            f"connect().decide round trip    {ours * 1e6:8.0f} us  echo {bare * 1e6:.0f}: {ratio:.2f} x (at most 1.5)"
        )
        found |= {"trip_seconds": ours, "echo_trip_seconds": bare, "trip_ratio": ratio}
        engine.stop()
        soak(service, agent, 5)
        before, after = soak(service, agent, 30)
        print(f"memory while 50 clients come and go  {before:.0f} MiB, 30 s later {after:.0f} MiB (at most 80)")
        found |= {"memory_mebibytes": after, "memory_before_mebibytes": before}
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), "0.1s") as (service, _, agent):
        before = status(service)["polls"]
        time.sleep(5)
        alone = (status(service)["polls"] - before) / 5
        before = status(service)["polls"]
        events = asyncio.run(_follow(service, 500, 5))
        polls = (status(service)["polls"] - before) / 5
        print(f"500 streams: {events / 5:.0f} events a second, {polls:.1f} polls a second ({alone:.1f} without)")
        found |= {"stream_events": events / 5, "polls_with_streams": polls, "polls_alone": alone}
    write("service", found)


if __name__ == "__main__":
    main()
