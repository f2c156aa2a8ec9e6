"""Keys from a terminal, one by one, without waiting for Enter."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\b": "backspace",
    "\x03": "interrupt",
    "\x04": "interrupt",
}


class Keyboard:
    """Reads keys while used as a context manager; the terminal is restored afterwards."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @contextmanager
    def raw(self) -> Iterator["Keyboard"]:
        """Deliver keys as they are pressed; Ctrl-C still interrupts."""
        import termios
        import tty

        before = termios.tcgetattr(self._descriptor)
        try:
            tty.setcbreak(self._descriptor)
            yield self
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)

    def read_keys(self, timeout: float) -> list[str]:
        """Return the keys pressed within *timeout* seconds: names of special keys, otherwise characters."""
        ready, _, _ = select.select([self._descriptor], [], [], timeout)
        if not ready:
            return []
        data = os.read(self._descriptor, 1024)
        return key_name(data.decode("utf-8", "replace")) if data else ["interrupt"]


def key_name(text: str) -> list[str]:
    """Return the keys that a terminal sent as *text*; unknown sequences are ignored.

    >>> key_name("e\\x1b[Aq\\x1b[15~\\x1b")
    ['e', 'up', 'q', 'escape']
    """
    keys, at = [], 0
    while at < len(text):
        end = at + 1
        if text[at] == "\x1b" and text[end : end + 1] in ("[", "O"):
            end += 1
            while end < len(text) and not text[end].isalpha() and text[end] != "~":
                end += 1
            end += 1
        sequence = text[at:end]
        key = _NAMES.get(sequence, sequence if len(sequence) == 1 and sequence.isprintable() else "")
        if key:
            keys.append(key)
        at = end
    return keys


def is_terminal() -> bool:
    """Whether stdin and stdout are terminals."""
    try:
        return sys.stdin.isatty() and sys.stdout.isatty()
    except ValueError:
        return False
