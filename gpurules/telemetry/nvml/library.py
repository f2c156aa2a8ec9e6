"""The only user of pynvml: loads NVML, and converts its errors to reasons why a fact is missing.

Source: NVML API reference, nvmlReturn_t; the module pynvml of the distribution nvidia-ml-py.
"""

import ctypes
from collections.abc import Callable
from typing import Any, TypeAlias

from gpurules.telemetry.live.poll import EVERY_CALL, NO_SUBJECT
from gpurules.telemetry.source import TelemetryError, TelemetryUnavailable

Handle: TypeAlias = object
"""A GPU or MIG instance, as NVML hands it out."""

UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND, DRIVER_NOT_LOADED = 1, 2, 3, 4, 6, 9
TIMEOUT, LIBRARY_NOT_FOUND, FUNCTION_NOT_FOUND, GPU_IS_LOST, VERSION_MISMATCH, UNKNOWN = 10, 12, 13, 15, 18, 999
HUNG = -1
"""Not of NVML: the call is not made, since it hung before."""
NOT_TEXT = -2
"""Not of NVML: what should be a text is not UTF-8; the GPU answers all the same."""
REASONS = {
    UNINITIALIZED: "uninitialized",
    INVALID_ARGUMENT: "invalid argument",
    NOT_SUPPORTED: "not supported",
    NO_PERMISSION: "insufficient permissions",
    NOT_FOUND: "not found",
    TIMEOUT: "timeout",
    FUNCTION_NOT_FOUND: "function not found",
    GPU_IS_LOST: "gpu is lost",
    16: "gpu requires reset",
    17: "gpu access blocked by the operating system",
    19: "in use",
    21: "no data",
    25: "not supported in this version",
    26: "deprecated",
    UNKNOWN: "unknown error",
    NOT_TEXT: "not valid UTF-8",
    HUNG: "hung at an earlier poll; retried later",
}
"""NVML's codes in the words of nvidia-smi."""
FAILURES = frozenset({HUNG, UNINITIALIZED, TIMEOUT, 16, 17, UNKNOWN})
"""Codes that say that the GPU should have answered and did not."""
REMEDIES = {
    LIBRARY_NOT_FOUND: "libnvidia-ml.so.1 was not found; install the NVIDIA driver, and run containers with the NVIDIA "
    "runtime and the capability 'utility'",
    DRIVER_NOT_LOADED: "the NVIDIA driver is not loaded; load it with 'modprobe nvidia', and see dmesg if that fails",
    VERSION_MISMATCH: "the NVIDIA library and the loaded driver are of different versions, as after an upgrade; "
    "load the new driver (reboot, or reload its modules)",
    NO_PERMISSION: "no permission to open the NVIDIA devices; let this user read and write /dev/nvidiactl and "
    "/dev/nvidia*, also in the cgroup of a container",
}
"""What to do where NVML cannot be initialized."""


class CallFailed(Exception):
    """A call of NVML failed; ``reason`` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
        self.reason = REASONS.get(code, f"NVML error {code}")


class Library:
    """NVML, while it is initialized; *path* is that of the library if it is not on the search path.

    ``place`` is the current call, and ``skipped`` the calls to skip, each as the function and its subject.
    """

    def __init__(self, path: str | None = None) -> None:
        self.subject = NO_SUBJECT
        self.place: tuple[str, str] | None = None
        self.skipped: frozenset[tuple[str, str]] = frozenset()
        self._path = path
        self._pynvml: Any = None
        self._is_running = False

    def start(self) -> None:
        """Load and initialize NVML, unless that is done.

        Raises:
            TelemetryUnavailable: pynvml or the library is not installed.
            TelemetryError: the driver does not respond; the message has the remedy.
        """
        if self._is_running:
            return
        self._load()
        try:
            self.ask("nvmlInit")
        except CallFailed as error:
            kind = TelemetryUnavailable if error.code == LIBRARY_NOT_FOUND else TelemetryError
            text = REMEDIES.get(error.code) or f"it cannot be initialized: {error.reason}; see dmesg and nvidia-smi"
            raise kind(f"NVML: {text}") from None
        self._is_running = True

    def _load(self) -> None:
        if self._pynvml is not None:
            return
        try:
            import pynvml  # type: ignore[import-untyped]
        except ImportError:
            raise TelemetryUnavailable(
                "NVML: the module pynvml is not installed; install it with 'pip install nvidia-ml-py'"
            ) from None
        if self._path is not None:
            try:  # pynvml loads the library by its soname, which an already loaded one satisfies
                ctypes.CDLL(self._path)
            except OSError as error:
                raise TelemetryUnavailable(f"NVML: {self._path!r} cannot be loaded: {error}") from None
        self._pynvml = pynvml

    def stop(self) -> None:
        """Shut NVML down if it is initialized; handles are invalid from then on."""
        if self._is_running:
            self._is_running = False
            try:
                self.ask("nvmlShutdown")
            except CallFailed:
                return

    def ask(self, function: str, *arguments: object) -> Any:
        """Call *function* of NVML, and return its result.

        Raises:
            CallFailed: it returns an error, or there is no such function.
        """
        self.place = (function, self.subject)
        if self.place in self.skipped or (EVERY_CALL, self.subject) in self.skipped:
            raise CallFailed(HUNG)
        try:
            return self.ask_aside(function, *arguments)
        finally:
            self.place = None

    def fabric(self, handle: Handle) -> tuple[int, int]:
        """Return a GPU's fabric state and its status, as NVML's numbers.

        Raises:
            CallFailed: it returns an error, or there is no such function.
        """
        kind = getattr(self._pynvml, "c_nvmlGpuFabricInfoV_t", None)
        if kind is None:
            raise CallFailed(FUNCTION_NOT_FOUND)
        info = kind()
        self.ask("nvmlDeviceGetGpuFabricInfoV", handle, ctypes.byref(info))
        return int(info.state), int(info.status)

    def ask_aside(self, function: str, *arguments: object) -> Any:
        """Do as :meth:`ask` does, for threads other than the polling thread.

        Raises:
            CallFailed: it returns an error, or there is no such function.
        """
        call: Callable[..., Any] | None = getattr(self._pynvml, function, None)
        if call is None:
            raise CallFailed(FUNCTION_NOT_FOUND)
        try:
            return call(*arguments)
        except self._pynvml.NVMLError as error:
            raise CallFailed(int(error.value)) from None
        except self._pynvml.NVMLLibraryMismatchError:
            raise CallFailed(FUNCTION_NOT_FOUND) from None
        except UnicodeDecodeError:
            raise CallFailed(NOT_TEXT) from None
        except (ValueError, OverflowError, MemoryError):  # such as for a list that supposedly has 2**32 entries
            raise CallFailed(UNKNOWN) from None


def address(handle: Handle) -> int:
    """Return a key that identifies a handle."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
