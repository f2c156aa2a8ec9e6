"""Notifies systemd that the agent is ready, reloading, stopping or alive; does nothing if systemd did not start it."""

import os
import socket
import time


class Notifier:
    """Sends the states of sd_notify(3) to the socket that ``NOTIFY_SOCKET`` names."""

    def __init__(self) -> None:
        path = os.environ.get("NOTIFY_SOCKET", "")
        self._path = f"\0{path[1:]}" if path.startswith("@") else path

    def send(self, *lines: str) -> None:
        """Send states, such as ``READY=1``; a failure to send them does not affect the agent."""
        if not self._path:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as given:
                given.settimeout(0.5)
                given.sendto("\n".join(lines).encode(), self._path)
        except OSError:
            return

    @staticmethod
    def watchdog_seconds() -> float | None:
        """Return half of systemd's watchdog interval; None if there is no watchdog."""
        try:
            pid = os.environ.get("WATCHDOG_PID")
            if pid is not None and int(pid) != os.getpid():
                return None
            return max(0.1, int(os.environ["WATCHDOG_USEC"]) / 2e6)
        except (KeyError, ValueError):
            return None


class ReloadNotice:
    """Notifies systemd that a reload begins (``begin``, safe in a signal handler), and that it is done (``end``)."""

    def __init__(self) -> None:
        self._notifier = Notifier()
        self._is_pending = False

    def begin(self) -> None:
        """Report that a reload has begun."""
        self._is_pending = True
        self._notifier.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def end(self) -> None:
        """Report that the reload is done, if one was begun."""
        if self._is_pending:
            self._is_pending = False
            self._notifier.send("READY=1")
