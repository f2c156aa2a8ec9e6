"""Paths relative to the repository root, as code-review services expect them in reports."""

import posixpath
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gpurules.cli.inputs.rulesets import PREFIX
from gpurules.diagnostics import Diagnostic, Format

FOR_SERVICES = frozenset({Format.GITHUB, Format.GITLAB, Format.SARIF})
"""The formats in which a path that is relative to anything else points nowhere."""


def from_root(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the findings with paths relative to the root of the repository; as they are where there is none."""
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    below = here.relative_to(root).as_posix()

    def rooted(path: str | None) -> str | None:
        if path is None or path.startswith((PREFIX, "/", "<")):
            return path
        return posixpath.normpath(posixpath.join(below, path))

    return [
        replace(d, path=rooted(d.path), related=tuple(replace(r, path=rooted(r.path)) for r in d.related))
        for d in found
    ]
