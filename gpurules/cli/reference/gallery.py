"""Generates the gallery: broken rulesets, each with the output of ``gpurules lint``."""

from pathlib import Path

from gpurules.cli.reference.wrapping import wrap_prose
from gpurules.diagnostics import Format, render
from gpurules.linter import lints
from gpurules.rules import examine

WIDTH = 100
_HEAD = """# Gallery of broken rulesets

Ten rulesets that load and do what they say, but not what was meant, with the output of `gpurules lint`. The files are
in `docs/gallery`; to try one: `gpurules lint docs/gallery/03-hurry-and-wait.rules.yaml`. [Semantic
analysis](analysis.md) explains how to read a witness.
"""


def gallery_page(directory: Path) -> str:
    """Return the page of the rulesets in *directory*, ordered by name."""
    sections = (_section(path) for path in sorted(directory.glob("*.rules.yaml")))
    return wrap_prose("\n".join([_HEAD, *sections]))


def _section(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    number, _, title = path.name.removesuffix(".rules.yaml").partition("-")
    ruleset = examine(text, path.name).ruleset
    story = ruleset.description if ruleset else ""
    said = render(lints(text, path.name), Format.FULL, lambda _: text, False, WIDTH)
    rows = [line for line in text.splitlines() if not line.startswith(("version:", "name:", "description:"))]
    heading = f"## {int(number)}. {title[0].upper()}{title[1:].replace('-', ' ')}\n\n{story}"
    return (
        f"{heading}\n\n```text\n"
        + "\n".join(rows)
        + f"\n```\n\n```text\n$ gpurules lint {path.name}\n{said.strip()}\n```\n"
    )
