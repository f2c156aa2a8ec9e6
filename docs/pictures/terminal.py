"""Draws what commands print to a terminal, for the docs: ``make pictures``.

Each picture is the output of a real run, in the colors of a dark and of a light terminal.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NODE, TRANSFERS = "gpurules/demo/node.jsonl", "gpurules/demo/transfers.jsonl"
THEMES = {"dark": MONOKAI, "light": DEFAULT_TERMINAL_THEME}


@dataclass(frozen=True)
class Picture:
    """One command, and what of its output is drawn."""

    name: str
    arguments: tuple[str, ...]
    first: str = ""
    """Lines before the first that starts with this are left out, but for the title and the legend; empty: none is."""
    lines: int = 1000
    shown: str = ""
    """How the command is written above its output, where that is shorter than the arguments."""


PICTURES = (
    Picture("lint", ("lint", "docs/gallery/03-hurry-and-wait.rules.yaml")),
    Picture(
        "demo",
        ("run", "gpurules:coordinator", "--source", f"replay:{NODE}", "--transfers", TRANSFERS),
        first="00:21:30",
        lines=32,
        shown="$ make demo",
    ),
    Picture(
        "watch",
        (
            "watch",
            "gpurules:coordinator",
            "--source",
            f"replay:{NODE}",
            "--speed",
            "1000000",
            "--once",
            "--polls",
            "135",
            "--width",
            "110",
            "--height",
            "30",
        ),
        shown="$ gpurules watch gpurules:coordinator --source replay:node.jsonl",
    ),
    Picture(
        "explain",
        (
            "explain",
            "gpurules:coordinator",
            "delay_on_memory_pressure",
            "--snapshot",
            "{folder}/snapshot.json",
            "--transfer",
            "{folder}/transfer.json",
        ),
        shown="$ gpurules explain gpurules:coordinator delay_on_memory_pressure --snapshot snapshot.json …",
    ),
)


def output(picture: Picture, folder: Path) -> str:
    """Return what the command prints to a terminal of 110 columns, colors and all."""
    arguments = [argument.replace("{folder}", str(folder)) for argument in picture.arguments]
    ran = subprocess.run(
        [sys.executable, "-m", "gpurules", *arguments],
        cwd=ROOT,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": "110", "TZ": "UTC"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = ran.stdout.splitlines()
    if picture.first:
        start = next(n for n, line in enumerate(lines) if plain(line).startswith(picture.first))
        lines = [*lines[:2], *lines[start:]]
    shown = picture.shown or f"$ gpurules {' '.join(picture.arguments)}"
    return "\n".join([shown, *lines[: picture.lines]])


def plain(line: str) -> str:
    """Return *line* without its colors."""
    return Text.from_ansi(line).plain


def draw(name: str, text: Text) -> None:
    """Write one picture for each theme."""
    width = max(map(len, text.plain.splitlines()))
    text.append("\n")  # the last line would be clipped
    for theme_name, theme in THEMES.items():
        console = Console(record=True, width=width, file=StringIO())
        console.print(text, soft_wrap=True)
        drawn = console.export_svg(title=f"gpurules {name}", theme=theme, unique_id=f"{name}-{theme_name}")
        drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # a picture fetches nothing
        (HERE / f"{name}-{theme_name}.svg").write_text(drawn, encoding="utf-8")


def write_facts(folder: Path) -> None:
    """Write the snapshot and the transfer that the picture of explain is about."""
    snapshot = (ROOT / NODE).read_text(encoding="utf-8").splitlines()[134]
    (folder / "snapshot.json").write_text(snapshot, encoding="utf-8")
    transfer = '{"path": "/datasets/images/shard-0079.tar", "size": "1.3GiB"}'
    (folder / "transfer.json").write_text(transfer, encoding="utf-8")


def main() -> None:
    """Write every picture, or those that are named."""
    named = set(sys.argv[1:])
    with TemporaryDirectory() as folder:
        write_facts(Path(folder))
        for picture in PICTURES:
            if not named or picture.name in named:
                draw(picture.name, Text.from_ansi(output(picture, Path(folder))))


if __name__ == "__main__":
    main()
