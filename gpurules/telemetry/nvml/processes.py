"""The processes that use a GPU: compute, graphics and MPS clients, with their names.

Source: nvmlDeviceGetComputeRunningProcesses and its relatives; proc(5).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from gpurules.model import GPUProcess
from gpurules.telemetry.nvml.library import FUNCTION_NOT_FOUND, CallFailed, Handle, Library

Namer: TypeAlias = Callable[[int], str | None]
_LISTS = (
    ("nvmlDeviceGetComputeRunningProcesses", "C"),
    ("nvmlDeviceGetGraphicsRunningProcesses", "G"),
    ("nvmlDeviceGetMPSComputeRunningProcesses", "M+C"),
)
_LONGEST = 256


def name_of_process(pid: int) -> str | None:
    """Return the program of the process *pid*, from its command line.

    Missing: it has ended, or is not in this PID namespace (a container sees the host's ids, not its processes).
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
        command = command or Path(f"/proc/{pid}/comm").read_bytes().strip()
    except OSError:
        return None
    return command.decode("utf-8", "replace")[:_LONGEST] or None


def read_processes(library: Library, handle: Handle, namer: Namer = name_of_process) -> tuple[GPUProcess, ...]:
    """Return the processes of a GPU or MIG instance, each once, with all its kinds.

    Missing: ``memory_used`` if the driver does not report it.

    Raises:
        CallFailed: no list can be read; the error is that of the compute processes.
    """
    found: dict[int, GPUProcess] = {}
    failures: list[CallFailed] = []
    for function, kind in _LISTS:
        try:
            listed = _list(library, function, handle)
        except CallFailed as error:
            failures.append(error)
            continue
        for process in listed:
            pid, used = int(process.pid), process.usedGpuMemory
            before = found.get(pid)
            kinds = kind if before is None else _join_kinds(before.kind or "", kind)
            if before is not None and before.memory_used is not None:
                used = before.memory_used
            name = before.name if before is not None else namer(pid)
            found[pid] = GPUProcess(pid, name, None if used is None else int(used), kinds)
    if len(failures) == len(_LISTS):
        raise failures[0]
    return tuple(found.values())


def _list(library: Library, function: str, handle: Handle) -> list[Any]:  # structures of pynvml
    try:
        return list(library.ask(function, handle))
    except CallFailed as error:
        if error.code != FUNCTION_NOT_FOUND:
            raise
        return list(library.ask(f"{function}_v2", handle))


def _join_kinds(kinds: str, kind: str) -> str:
    """Return both kinds in nvidia-smi's notation: ``C+G``, ``M+C``."""
    letters = {*kinds.split("+"), *kind.split("+")}
    return "+".join(letter for letter in "MCG" if letter in letters)
