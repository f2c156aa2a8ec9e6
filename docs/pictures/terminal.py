"""Draws what ``gpurules lint`` prints, on a dark and on a light terminal: ``python docs/pictures/terminal.py``."""

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
COMMAND = ("lint", "docs/gallery/03-hurry-and-wait.rules.yaml")


def printed() -> str:
    """Return what the command prints to a terminal, colours and all."""
    ran = subprocess.run(
        [sys.executable, "-m", "gpurules", *COMMAND],
        cwd=HERE.parents[1],
        env={**os.environ, "FORCE_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return f"$ gpurules {' '.join(COMMAND)}\n{ran.stdout}"


def main() -> None:
    """Write one picture for each theme."""
    text = Text.from_ansi(printed())
    width = max(map(len, text.plain.splitlines()))
    for name, theme in (("dark", MONOKAI), ("light", DEFAULT_TERMINAL_THEME)):
        console = Console(record=True, width=width, file=StringIO())
        console.print(text, soft_wrap=True)
        drawn = console.export_svg(title="gpurules lint", theme=theme)
        drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # a picture fetches nothing
        (HERE / f"lint-{name}.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
