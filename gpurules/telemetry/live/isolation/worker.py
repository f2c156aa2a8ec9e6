"""The main program of the sampler's process: it reads on request, and ends with its parent.

The main thread may hang in a driver. A second thread listens to the parent: it reports where the first hangs, and ends
the process when the pipe is closed or the parent is gone (a fork of the parent may hold the pipe open). The kernel's
parent death signal (PR_SET_PDEATHSIG) would not work: it is sent when the parent's *thread* ends.
"""

import importlib
import os
import queue
import select
import sys
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from gpurules.model import Snapshot
from gpurules.strict_json import loads
from gpurules.telemetry.live.isolation.frames import FrameError, Frames, frame
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.source import TelemetryError

_LOOK_FOR_PARENT = 1.0


class PlacedReader(Protocol):
    """A reader that reports which call it is in."""

    @property
    def place(self) -> tuple[str, str] | None:
        """The current call and its subject."""
        ...

    def read(self, request: PollRequest) -> Snapshot:
        """Return the current snapshot."""
        ...


class ParentPipe:
    """The pipe to the parent, for both threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, object]) -> None:
        """Send a message; if the parent has closed the pipe, end the process."""
        data = frame(message)
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                os._exit(0)


def main() -> None:
    """Read the task from the command line, and serve requests until the parent has gone."""
    task: dict[str, Any] = loads(sys.argv[-1])
    output = ParentPipe(os.dup(1))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # output of libraries must not get into the pipe
    module, _, name = str(task["target"]).partition(":")
    reader: PlacedReader = getattr(importlib.import_module(module), name)(**task["options"])
    os.dup2(silence, 2)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    listener = threading.Thread(target=listen, args=(requests, output, reader), daemon=True)
    listener.start()
    while True:
        message = requests.get()
        answer = answer_to(message, reader)
        output.send(answer)
        if "error" in answer:
            os._exit(0)  # a failed or replaced driver needs a process that has not loaded it yet


def answer_to(message: Mapping[str, Any], reader: PlacedReader) -> dict[str, object]:
    """Return the response to a request: the snapshot, or why there is none."""
    fields = message.get("fields")
    request = PollRequest(
        None if fields is None else frozenset(fields),
        frozenset((str(function), str(subject)) for function, subject in message.get("skipped", ())),
    )
    try:
        snapshot = reader.read(request)
    except TelemetryError as error:
        return {"read": message["read"], "error": str(error), "kind": type(error).__name__}
    except (Exception, SystemExit) as error:  # the last resort of this process
        return {"read": message["read"], "error": f"{type(error).__name__}: {error}", "kind": "TelemetryError"}
    return {"read": message["read"], "snapshot": snapshot.to_dict(), "problems": list(snapshot.problems)}


def listen(requests: "queue.SimpleQueue[dict[str, Any]]", output: ParentPipe, reader: PlacedReader) -> None:
    """Pass requests on, report where the reader is, and end the process when the parent is gone."""
    frames = Frames()
    parent = os.getppid()
    while os.getppid() == parent:
        if not select.select([0], [], [], _LOOK_FOR_PARENT)[0]:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            break
        try:
            for message in frames.feed(data):
                if "where" in message:
                    output.send({"where": reader.place})
                else:
                    requests.put(message)
        except FrameError:
            break
    os._exit(0)
