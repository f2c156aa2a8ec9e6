"""How long an editor waits for findings: after a file is opened, and after a keystroke in one of its rules.

A real ``gpurules lsp`` is spoken to over its pipes. Of each keystroke two times are taken: until the first findings of
the new text are published, and until all are, the analysis of what rules mean included. Beside each is what the
processor spent on it in the server, since other processes share the machine. Numbers of rules may be given.
Run it with ``python benchmarks/language_server.py``, or all with ``make bench``.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from lint import laid_out
from load import compiled
from results import write

from gpurules.linter import lints

RULES = (200, 1000)
ROUNDS, KEYSTROKES = 3, 12
GOALS = {"opened": 1000, "first": 100, "all": 100}
"""Milliseconds that one waits."""
ODD = "  - name: odd\n    description: It never matches.\n    condition: gpu_memory > 90 AND gpu_memory < {}\n"
ODD += "    action: reduce_prefetch\n    parameters: {{reduction_factor: 0.5}}\n"


class Wait(NamedTuple):
    """How long something took, in milliseconds: on the clock, and of the processor in the server."""

    clock: float
    processor: float


class Session:
    """A language server in a process of its own, and the editor that speaks to it."""

    def __init__(self, folder: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "gpurules", "lsp", "--stdio"]
        self.process = subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe)
        self._asked = 0
        self._request("initialize", {"processId": None, "rootUri": Path(folder).as_uri(), "capabilities": {}})
        self._send({"method": "initialized", "params": {}})

    def end(self) -> None:
        """Shut the server down."""
        self._request("shutdown", None)
        self._send({"method": "exit", "params": None})
        self.process.wait(60)

    def open(self, uri: str, text: str) -> None:
        """Open a document."""
        item = {"uri": uri, "languageId": "yaml", "version": 0, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": item}})

    def change(self, uri: str, text: str, version: int) -> None:
        """Send the whole text of a document, as after a keystroke."""
        params = {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]}
        self._send({"method": "textDocument/didChange", "params": params})

    def published(self, version: int) -> int:
        """Wait for findings of *version* of the document, and return how many there are."""
        while True:
            message = self._next()
            params = message.get("params") or {}
            if message.get("method") == "textDocument/publishDiagnostics" and params.get("version") == version:
                return len(params["diagnostics"])

    def spent(self) -> float:
        """Return how many milliseconds of the processor all threads of the server took so far."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6

    def _request(self, method: str, params: object) -> None:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while self._next().get("id") != self._asked:
            pass

    def _send(self, content: dict[str, object]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **content}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        """Return the next message of the server."""
        out = self.process.stdout
        assert out is not None
        length = 0
        while (line := out.readline()) != b"\r\n":
            assert line, "the server has gone"
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        found: dict[str, Any] = json.loads(out.read(length))
        return found


@contextmanager
def session() -> Iterator[tuple[Session, str]]:
    """Give a new server, and the address of a document in its folder."""
    with tempfile.TemporaryDirectory() as folder:
        started = Session(folder)
        yield started, (Path(folder) / "large.rules.yaml").as_uri()
        started.end()


def texts(rules: int) -> list[str]:
    """Return a ruleset, and what it says after each keystroke: a digit more or less in a rule in its midst."""
    head, _, rest = laid_out(rules).partition(f"  - name: rule_{rules // 2}\n")
    bounds = [10 + n // 2 if n % 2 == 0 else 1 for n in range(KEYSTROKES + 1)]
    return [f"{head}{ODD.format(bound)}  - name: rule_{rules // 2}\n{rest}" for bound in bounds]


def waits(server: Session, version: int, wanted: int, since: tuple[float, float]) -> tuple[Wait, Wait]:
    """Return how long it takes until findings of *version* are published, and until all that are *wanted* are."""
    found: list[Wait] = []
    while True:
        count = server.published(version)
        found.append(Wait((time.perf_counter() - since[0]) * 1000, server.spent() - since[1]))
        if count == wanted:
            return found[0], found[-1]


def measured(rules: int) -> dict[str, list[Wait]]:
    """Return the waits of several sessions on one file: opened, opened with all findings, first, and all."""
    found: dict[str, list[Wait]] = {"opened": [], "opened, all": [], "first": [], "all": []}
    listed = texts(rules)
    wanted = [len(lints(text, "large.rules.yaml")) for text in listed]
    for _ in range(ROUNDS):
        with session() as (server, uri):
            since = time.perf_counter(), server.spent()
            server.open(uri, listed[0])
            for version, count in enumerate(wanted):
                if version:
                    time.sleep(0.3)  # what the server does beside is over
                    since = time.perf_counter(), server.spent()
                    server.change(uri, listed[version], version)
                first, last = waits(server, version, count, since)
                found["first" if version else "opened"].append(first)
                found["all" if version else "opened, all"].append(last)
    return found


def main() -> None:
    """Print a table for each number of rules."""
    compiled()
    results: dict[str, object] = {}
    print("rules   findings           ms: median (least to most)   goal   CPU ms")
    for rules in [int(number) for number in sys.argv[1:]] or RULES:
        for name, listed in measured(rules).items():
            clock = [wait.clock for wait in listed]
            spent = statistics.median(wait.processor for wait in listed)
            middle = statistics.median(clock)
            spread = f"{middle:8.0f} ({min(clock):.0f} to {max(clock):.0f})"
            print(f"{rules:5,}   {name:15} {spread:>30} {GOALS.get(name, ''):>6} {spent:8.0f}")
            results[f"{rules} rules, {name}"] = {"clock": clock, "processor": [wait.processor for wait in listed]}
    write("language_server", results)


if __name__ == "__main__":
    main()
