"""Kills a process at every system call that changes a file, one call after the other, and looks at what is left.

A scenario is a module-level object with three functions of a fresh folder: ``prepare`` makes what is there before,
``act`` does what is killed, and ``check`` raises unless what is left is sound; it may do again what was interrupted.
Each step runs in forks of one process in which gcc's ``crash_shim.c`` is preloaded:
a hundred steps take seconds.

    report = crash_at_every_step("tests.integration.clients.scenarios:DOWNLOAD", tmp_path)
    assert report.failures == () and report.steps > 10
"""

import ctypes
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.preloading import preloaded

ROOT = Path(__file__).resolve().parents[3]
SHIM = Path(__file__).with_name("crash_shim.c")
MAX_STEPS = 2000
IN_TIME_SECONDS = 120


class Scenario(NamedTuple):
    """What is there before, what is killed, and what must hold of what is left."""

    prepare: Callable[[Path], object]
    act: Callable[[Path], object]
    check: Callable[[Path], object]


@dataclass(frozen=True)
class Crashes:
    """What came of it: the calls that were killed, in order, and why some left something unsound."""

    calls: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def steps(self) -> int:
        """How many calls were killed."""
        return len(self.calls)


def crash_at_every_step(scenario: str, folder: Path, torn: bool = False) -> Crashes:
    """Kill *scenario* (``module:name``) at each of its steps, below *folder*; *torn*: a write is killed half done."""
    command = [sys.executable, "-m", __name__, str(preloaded(SHIM)), scenario, str(folder), str(int(torn))]
    environment = {**os.environ, "LD_PRELOAD": str(preloaded(SHIM)), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=IN_TIME_SECONDS)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return Crashes(tuple(found["calls"]), tuple(found["failures"]))


def _forked(work: Callable[[], object]) -> tuple[int, str]:
    """Do *work* in a process of its own; return how that ended, and what it wrote of an error."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            os.write(writer, traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def _step(arm: Callable[[Path, int], object], scenario: Scenario, place: Path, step: int) -> tuple[str, str]:
    """Kill at one step; return the call ("" where it completed before), and why what is left is unsound."""
    place.mkdir()
    scenario.prepare(place)
    noted = Path(f"{place}.call")

    def act() -> None:
        arm(place, step)
        scenario.act(place)

    code, said = _forked(act)
    call = noted.read_text()
    if code not in (0, -signal.SIGKILL):
        return call, f"step {step}: the act itself failed:\n{said}"
    code, said = _forked(lambda: scenario.check(place))
    where = f"step {step}, before {call}" if call else f"after all {step - 1} steps"
    shutil.rmtree(place, ignore_errors=True)
    return call, f"{where}:\n{said or code}" if code else ""


def _main(library: str, name: str, folder: str, torn: str) -> None:
    shim_functions = ctypes.CDLL(library)

    def arm(place: Path, step: int) -> None:
        report = os.open(f"{place}.call", os.O_WRONLY | os.O_CREAT)
        shim_functions.crash_arm(str(place).encode(), ctypes.c_long(step), int(torn), report)

    module, _, attribute = name.partition(":")
    scenario = getattr(importlib.import_module(module), attribute)
    calls: list[str] = []
    failures: list[str] = []
    for step in range(1, MAX_STEPS):
        call, failure = _step(arm, scenario, Path(folder).resolve() / f"step-{step}", step)
        failures += [failure] if failure else []
        if not call:
            break
        calls.append(call)
    else:
        failures.append(f"no end after {MAX_STEPS} steps")
    print(json.dumps({"calls": calls, "failures": failures}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
