"""``make demo``."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest


def demo_arguments(root: Path) -> list[str]:
    """Return the command of the Makefile's target ``demo``, with its variables put in."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"^demo: .*\n\t@\$\(BIN\)/gpurules (.*)$", makefile, re.MULTILINE)
    assert found is not None
    folder = re.search(r"^DEMO := (.*)$", makefile, re.MULTILINE)
    assert folder is not None
    return shlex.split(found[1].replace("$(DEMO)", folder[1]))


def test_the_demo_shows_every_kind_of_decision_with_its_reason(
    gpurules: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    done = gpurules(*demo_arguments(root))
    assert (done.code, done.err) == (0, "")
    for sign in ("▲", "▼", "prefetch 1.00 →", "delay 30 s", "delay 1 m", "gpu_temperature", "gpu_memory"):
        assert sign in done.out, sign
    assert re.search(r"360 snapshots of .*, 80 transfers in .* delayed", done.out)
