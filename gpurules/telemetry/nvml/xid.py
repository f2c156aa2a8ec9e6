"""Listens for Xid errors in a thread: NVML delivers each event once, and only to a waiting listener.

Source: nvmlEventSetWait_v2, nvmlEventTypeXidCriticalError.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

from gpurules.telemetry.nvml.library import TIMEOUT, CallFailed, Handle, Library, address

NONE_YET = "no Xid error since sampling began"
_XID_CRITICAL_ERROR = 8
_PAUSE = 1.0


class XidListener:
    """Holds the last Xid error of each GPU, with its time.

    Units: *wait* in seconds: how long one call waits, and so how long :meth:`stop` may take.
    """

    def __init__(self, library: Library, clock: Callable[[], float], wait: float = 0.5) -> None:
        self._library = library
        self._clock = clock
        self._wait = wait
        self._owners: dict[int, str] = {}
        self._failed: dict[str, str] = {}
        self._latest: dict[str, tuple[int, float]] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def latest(self) -> Mapping[str, tuple[int, float]]:
        """The last Xid error by UUID, with its time on the clock."""
        return dict(self._latest)

    @property
    def is_listening(self) -> bool:
        """Whether the thread is running."""
        return self._thread is not None

    def reason(self, uuid: str) -> str:
        """Return why there is no Xid error of the GPU *uuid*."""
        return self._failed.get(uuid, NONE_YET)

    def start(self, devices: Sequence[tuple[Handle, str]]) -> None:
        """Listen to *devices*, each a handle and its UUID; one without support for events is skipped."""
        if not devices:
            return
        self._owners, self._failed = {}, {}
        try:
            events = self._library.ask("nvmlEventSetCreate")
        except CallFailed as error:
            self._failed = {uuid: error.reason for _, uuid in devices}
            events = None
        for handle, uuid in devices if events is not None else ():
            try:
                self._library.ask("nvmlDeviceRegisterEvents", handle, _XID_CRITICAL_ERROR, events)
                self._owners[address(handle)] = uuid
            except CallFailed as error:
                self._failed[uuid] = error.reason
        self._stopped.clear()
        self._thread = threading.Thread(target=self._listen, args=(events,), name="gpurules-xid", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; the last errors are kept."""
        if self._thread is not None:
            self._stopped.set()
            self._thread.join()
            self._thread = None

    def _listen(self, events: object) -> None:
        while events is not None and not self._stopped.is_set():
            try:
                event = self._library.ask_aside("nvmlEventSetWait_v2", events, int(self._wait * 1000))
            except CallFailed as error:
                if error.code != TIMEOUT:
                    self._stopped.wait(_PAUSE)
                continue
            uuid = self._owners.get(address(event.device))
            if uuid is not None and int(event.eventType) & _XID_CRITICAL_ERROR:
                self._latest[uuid] = (int(event.eventData), self._clock())
        if events is not None:
            try:
                self._library.ask_aside("nvmlEventSetFree", events)
            except CallFailed:
                return
