"""Programs of Go and C that read a state file, built once, and an agent that writes one."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpurules.backends import Facts
from gpurules.backends.c import CBackEnd
from gpurules.backends.go import GoBackEnd
from gpurules.backends.native.cells import Stamp, StateEncoder
from gpurules.model import GPU, Snapshot
from gpurules.rules import Ruleset, loads
from gpurules.rules.native import native_program, native_schema
from gpurules.service.state_file.writer import StateWriter
from tests.targets import SANITIZED, STRICT, run, write
from tests.waiting import wait_until

RULES = """
version: 1
name: probe
rules:
  - {name: high, condition: gpu_memory > 50, action: reduce_prefetch, parameters: {reduction_factor: 0.5}, priority: 2}
  - {name: named, condition: gpu_name STARTSWITH 'gpu-', action: limit_concurrency, parameters: {max_concurrency: 3}}
  - {name: large, condition: "transfer_size > 10", action: increase_priority, parameters: {priority_boost: 1}}
"""
OTHER = RULES.replace("name: probe", "name: other").replace("> 50", "> 60")
HOUR = 3600 * 10**9

GO_PROBE = """package main

import (
	"bufio"
	"fmt"
	"os"

	"rules"
)

func main() {
	reader := rules.Open(os.Args[1])
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		d := reader.Bound().Decide(&rules.Transfer{Size: rules.Int(20)}, nil)
		fmt.Printf("%d %v %g %d %v\\n", d.Basis, d.Matched.Names(), d.PrefetchFactor, d.MaxConcurrency, reader.Status())
	}
}
"""
C_PROBE = """#include <stdio.h>

#include "gr.h"

int main(int count, char **arguments) {
    static gr_reader reader;
    static char line[16];
    if (count < 2) {
        return 2;
    }
    gr_reader_guard();
    gr_reader_open(&reader, arguments[1]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        gr_decision d;
        gr_transfer transfer = {.size = gr_int(20)};
        const gr_bound *bound = gr_reader_bound(&reader);
        gr_decide(bound, &transfer, NULL, &d);
        (void)printf("%d [", (int)d.basis);
        const char *blank = "";
        for (int rule = 0; rule < GR_RULE_COUNT; rule++) {
            if (gr_has(&d.matched, rule)) {
                (void)printf("%s%s", blank, gr_rule_name(rule));
                blank = " ";
            }
        }
        const char *problem = gr_reader_problem(&reader);
        (void)printf("] %g %lld %s\\n", d.prefetch_factor, (long long)d.max_concurrency,
                     problem == NULL ? "<nil>" : problem);
        (void)fflush(stdout);
    }
    gr_reader_close(&reader);
    return 0;
}
"""


def build_go(folder: Path) -> list[str]:
    """Build the probe of Go; return its command."""
    program, refused = native_program(loads(RULES), GoBackEnd().check)
    assert not refused
    files = dict(GoBackEnd().files(program, "rules", native_schema(loads(RULES))))
    write({**files, "probe/main.go": GO_PROBE}, folder)
    run(["go", "build", "-o", "probe/probe", "./probe"], folder)
    return [str(folder / "probe/probe")]


def build_c(folder: Path) -> list[str]:
    """Build the probe of C, under sanitizers; return its command."""
    program, refused = native_program(loads(RULES), CBackEnd().check)
    assert not refused
    write({**CBackEnd().files(program, "gr", native_schema(loads(RULES))), "probe.c": C_PROBE}, folder)
    run(["gcc", *STRICT, *SANITIZED, "probe.c", "gr.c", "-o", "probe", "-lm"], folder)
    return [str(folder / "probe")]


class Probe:
    """A running probe: each question is answered with basis, rules, prefetch factor, concurrency and problem."""

    def __init__(self, command: list[str], path: Path) -> None:
        self._process = subprocess.Popen(
            [*command, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ask(self) -> tuple[str, list[str], float, int, str]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise AssertionError(f"the probe has died: {self._process.stderr.read()[-3000:]}")
        basis, rest = line.rstrip("\n").split(" ", 1)
        names, rest = rest.removeprefix("[").split("] ", 1)
        factor, concurrency, problem = rest.split(" ", 2)
        word = ("fresh", "stale", "other", "disabled")[int(basis)]
        return word, names.split(), float(factor), int(concurrency), problem

    def ask_until(self, basis: str, seconds: float = 30) -> tuple[str, list[str], float, int, str]:
        """Ask until the basis is as expected: a reader looks for another file ten times a second."""

        def expected() -> tuple[str, list[str], float, int, str] | None:
            answer = self.ask()
            return answer if answer[0] == basis else None

        answer = wait_until(expected, seconds, f"the basis is {basis}")
        assert answer is not None
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout and self._process.stderr
        self._process.stdin.close()
        code = self._process.wait(timeout=20)
        errors = self._process.stderr.read()
        self._process.stdout.close()
        self._process.stderr.close()
        assert code == 0, errors[-3000:]


class FakeAgent:
    """Writes states in which all GPUs have the same memory, and names that say it."""

    def __init__(self, path: Path, text: str = RULES) -> None:
        self.ruleset: Ruleset = loads(text)
        self.encoder = StateEncoder(native_schema(self.ruleset), None)
        self.writer = StateWriter(path)
        self.revision = 0

    def facts(self, memory: int, gpus: int = 8) -> Facts:
        made = tuple(GPU(index=n, uuid=f"GPU-{n}", memory=memory, name=f"gpu-{memory}") for n in range(gpus))
        snapshot = Snapshot(timestamp=1000.0, gpus=made)
        return Facts(snapshot, snapshot.gpus)

    def write(self, memory: int, **more: Any) -> None:
        """Publish a state; *more* is of the stamp: ``deadline``, ``monotonic``, ``is_disabled``, or ``gpus``."""
        self.revision += 1
        now = time.monotonic_ns()
        gpus = more.pop("gpus", 8)
        stamp = {"monotonic": now, "deadline": now + HOUR, **more}
        directives = {"prefetch_factor": 0.25, "max_concurrency": 7, "paused": False}
        sequence = self.writer.next_sequence
        slot = self.encoder.slot(
            self.facts(memory, gpus), Stamp(sequence, self.revision, wall=1000.0, **stamp), directives
        )
        self.writer.write(slot, self.ruleset.version, self.encoder)


Damage = Callable[[bytearray], None]
