"""An interactive session of the live view: maps keys to actions and draws the screen."""

import time
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from gpurules.cli.explain.explanations import draw
from gpurules.cli.watch.frame import Look, frame
from gpurules.cli.watch.keys import Keyboard
from gpurules.cli.watch.view import View, Viewer

REFRESH = 0.25
"""How often the screen is drawn, in seconds, whether or not something came."""


class WatchSession:
    """The state of the user interface: filter, selected rule, its explanation, frozen view."""

    def __init__(self, watcher: Viewer) -> None:
        self._watcher = watcher
        self._look = Look()
        self._frozen: View | None = None
        self._is_explaining = False
        self._first_line = 0
        self.is_over = False
        self._keys: dict[str, Callable[[], None]] = {
            "q": self._quit,
            "interrupt": self._quit,
            "f": self._type,
            "/": self._type,
            "e": self._explain,
            "enter": self._explain,
            "escape": self._back,
            " ": self._freeze,
            "up": lambda: self._move(-1),
            "k": lambda: self._move(-1),
            "down": lambda: self._move(1),
            "j": lambda: self._move(1),
        }

    def press(self, key: str) -> None:
        """Handle *key*."""
        if self._look.is_typing:
            self._edit(key)
        elif key in self._keys:
            self._keys[key]()

    def _quit(self) -> None:
        self.is_over = True

    def _type(self) -> None:
        self._look = replace(self._look, is_typing=True)

    def _edit(self, key: str) -> None:
        text = self._look.filter
        if key in ("enter", "escape", "interrupt"):
            kept = text if key == "enter" else ""
            self._look = replace(self._look, is_typing=False, filter=kept)
        elif key == "backspace":
            self._look = replace(self._look, filter=text[:-1])
        elif len(key) == 1 and len(text) < 40:
            self._look = replace(self._look, filter=text + key)

    def _explain(self) -> None:
        self._is_explaining, self._first_line = not self._is_explaining, 0

    def _back(self) -> None:
        if self._is_explaining:
            self._is_explaining = False
        else:
            self._look = replace(self._look, filter="")

    def _freeze(self) -> None:
        self._frozen = self._watcher.view() if self._frozen is None else None
        self._look = replace(self._look, is_frozen=self._frozen is not None)

    def _move(self, step: int) -> None:
        if self._is_explaining:
            self._first_line = max(0, self._first_line + step)
            return
        names = self._names(self._frozen or self._watcher.view())
        if names:
            place = names.index(self._look.chosen) if self._look.chosen in names else 0
            self._look = replace(self._look, chosen=names[max(0, min(len(names) - 1, place + step))])

    def _names(self, view: View) -> list[str]:
        return [rule.name for rule in view.rules if self._look.filter.lower() in rule.name.lower()]

    def lines(self, width: int, height: int) -> list[Text]:
        """Return the lines of a screen of *width* columns and *height* rows."""
        view = self._frozen or self._watcher.view()
        names = self._names(view)
        chosen = self._look.chosen if self._look.chosen in names else names[0] if names else None
        look = replace(self._look, width=width, height=height, chosen=chosen)
        lines = frame(view, look)
        if not self._is_explaining or chosen is None:
            return lines
        return [lines[0], *self._explanation(view, chosen, (width, height)), lines[-1]]

    def _explanation(self, view: View, name: str, size: tuple[int, int]) -> list[Text]:
        """Return why a rule matches or not, scrolled so that its last line can be seen."""
        width, height = size[0], size[1] - 2
        explained = view.explanation(name)
        text = Text.from_ansi(draw([explained])) if explained else Text("the rule no longer exists")
        drawn_lines = text.split("\n")
        while drawn_lines and not drawn_lines[-1].plain.strip():
            drawn_lines.pop()
        tree, reason = drawn_lines[:-1], drawn_lines[-1:]
        for line in tree:
            line.truncate(width, overflow="ellipsis")
        lines = [Text(), *tree, *(wrapped for line in reason for wrapped in _wrapped(line, width))]
        self._first_line = min(self._first_line, max(0, len(lines) - height))
        shown = lines[self._first_line : self._first_line + height]
        return [*shown, *(Text() for _ in range(height - len(shown)))]


def _wrapped(line: Text, width: int) -> list[Text]:
    return list(line.wrap(Console(width=width), width)) or [Text()]


def watch(watcher: Viewer, keyboard: Keyboard, console: Console, has_ended: Callable[[], bool]) -> None:
    """Show the live view until the user quits or *has_ended* returns True."""
    session = WatchSession(watcher)
    with (
        keyboard.raw(),
        Live(console=console, screen=True, auto_refresh=False, transient=True, redirect_stderr=False) as live,
    ):
        drawn_at = 0.0
        while not session.is_over and not has_ended():
            if time.monotonic() - drawn_at >= REFRESH:
                live.update(Group(*session.lines(console.width, console.height)), refresh=True)
                drawn_at = time.monotonic()
            for key in keyboard.read_keys(REFRESH):
                session.press(key)
                drawn_at = 0.0
