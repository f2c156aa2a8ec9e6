"""Real agents: each in a process of its own, asked over its sockets."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

RULES = """\
version: 1
name: node
settings: {poll_interval: 1s, stale_after: 1h}
signals:
  warm: {condition: gpu_temperature > 30C}
rules:
  - name: hold_large
    condition: warm AND transfer_size > 1GiB
    action: delay_transfer
    parameters: {delay: 30s}
  - name: prefetch_less
    condition: warm
    action: reduce_prefetch
    parameters: {reduction_factor: 0.5}
"""
"""On the simulated node every GPU is above 30 celsius from the first snapshot on."""
SOURCE = "synthetic:gpus=2,seconds=36000,interval=1,faults=0"


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket, as the standard library speaks it."""

    def __init__(self, path: Path, timeout: float = 10.0) -> None:
        super().__init__("agent", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self.path))


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningAgent:
    process: "subprocess.Popen[bytes]"
    socket: Path
    ruleset: Path
    log: Path
    addresses: list[str] = field(default_factory=list)

    def connection(self, timeout: float = 10.0) -> UnixConnection:
        return UnixConnection(self.socket, timeout)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Ask once, over the Unix socket; what is not bytes is sent as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = self.connection()
        try:
            connection.request(method, path, data, sent)
            response: HTTPResponse = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def stop(self, number: int = signal.SIGTERM, timeout: float = 15.0) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout)

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


Start = Callable[..., RunningAgent]


def start_agent(folder: Path, *options: str, rules: str = RULES, source: str = SOURCE) -> RunningAgent:
    """Start an agent, and wait until it answers or has ended."""
    ruleset, path, log = folder / "node.yaml", folder / "a.sock", folder / "log"
    if not ruleset.exists():
        ruleset.write_text(rules)
    command = [sys.executable, "-m", "gpurules", "serve", str(ruleset), "--source", source]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--bind", f"unix:{path}", *options], stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )
    agent = RunningAgent(process, path, ruleset, log)
    wait_until(lambda: process.poll() is not None or "listening on" in agent.said, 30)
    wait_until(lambda: process.poll() is not None or agent.ask("GET", "/v1/status").json["polls"] > 0, 30)
    agent.addresses = [line.split()[-1] for line in agent.said.splitlines() if "listening on" in line]
    return agent
