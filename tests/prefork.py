"""Starts the program in processes forked from one that has it loaded already: a real process in a tenth of the time.

    process = start(["lsp", "--stdio"], cwd=folder, env=environment)
    process.stdin.write(...); process.stdout.read(); process.wait(10)

One server for each process of pytest loads the program; each start has a fork of its own, with its own pipes,
environment and working directory. A keeper between the two waits for it and says how it ended.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
WARM = "version: 1\nname: warm\nrules: [{name: a, condition: gpu_memory > 80, action: pause_transfer}]\n"


class Forked:
    """A process of the program, as much of ``subprocess.Popen`` as tests need."""

    def __init__(self, server: socket.socket, arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        pipes = [os.pipe() for _ in range(4)]  # stdin, stdout, stderr, and how it ended
        theirs = [pipes[0][0], *(pipe[1] for pipe in pipes[1:])]
        request = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}).encode()
        socket.send_fds(server, [len(request).to_bytes(4, "big")], theirs)
        server.sendall(request)
        for number in theirs:
            os.close(number)
        self.stdin: BinaryIO = os.fdopen(pipes[0][1], "wb")
        self.stdout: BinaryIO = os.fdopen(pipes[1][0], "rb")
        self.stderr: BinaryIO = os.fdopen(pipes[2][0], "rb")
        self._status: BinaryIO = os.fdopen(pipes[3][0], "rb")
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code, negative for a signal."""
        code = self._ended(timeout)
        if code is None:
            raise TimeoutError(f"the process did not end within {timeout} s")
        return code

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._status, selectors.EVENT_READ)
                if not selector.select(timeout):
                    return None
            self.returncode = int(self._status.readline())
            self._status.close()
        return self.returncode


class ForkServer:
    """The process that has the program loaded."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.prefork", str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])

    def stop(self) -> None:
        self.socket.close()
        self._process.wait(30)


@cache
def fork_server() -> ForkServer:
    return ForkServer()


def start(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Forked:
    """Start the program with *arguments*."""
    return Forked(fork_server().socket, arguments, cwd, env)


def stop() -> None:
    """End the server, if there is one."""
    if fork_server.cache_info().currsize:
        fork_server().stop()
        fork_server.cache_clear()


def _load() -> None:
    """Load what the program loads for the commands that tests start often, and fill its caches."""
    import pygls.lsp.server  # noqa: F401

    import gpurules.cli.commands.lsp
    import gpurules.cli.main
    import gpurules.lsp.server  # noqa: F401
    from gpurules.linter import lints

    lints(WARM)


def _serve(server: socket.socket) -> None:
    while True:
        header, files, _, _ = socket.recv_fds(server, 4, 4)
        if not header:
            return
        request = b""
        size = int.from_bytes(header, "big")
        while len(request) < size:
            request += server.recv(size - len(request))
        if os.fork() == 0:
            server.close()
            _keep(json.loads(request), files)
        for number in files:
            os.close(number)


def _keep(request: dict[str, object], files: list[int]) -> None:
    """Fork the process, say how it ended, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(files[3])
        _run(request, files)
    for number in files[:3]:
        os.close(number)
    with os.fdopen(files[3], "wb") as status:
        status.write(b"%d\n" % child)
        status.flush()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        try:
            status.write(b"%d\n" % code)
            status.flush()
        except BrokenPipeError:
            os._exit(0)
    os._exit(0)


def _run(request: dict[str, object], files: list[int]) -> None:
    code = 1
    try:
        for number, file in enumerate(files[:3]):
            os.dup2(file, number)
            os.close(file)
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115
        os.chdir(str(request["cwd"]))
        os.environ.clear()
        os.environ.update(request["env"])  # type: ignore[call-overload]
        time.tzset()
        sys.argv = ["gpurules", *request["arguments"]]  # type: ignore[misc]
        from gpurules.__main__ import main

        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


if __name__ == "__main__":
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers end unwaited for
    with socket.socket(fileno=int(sys.argv[1])) as server:
        _serve(server)
