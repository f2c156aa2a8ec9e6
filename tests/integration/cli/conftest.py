"""Runs the program in this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gpurules.cli.main import run
from gpurules.cli.process import signals


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Program = Callable[..., Outcome]


@pytest.fixture
def gpurules(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """Run ``gpurules`` with arguments: exit code, stdout and stderr."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(signals, "_EARLY", signals._Early())  # it runs inside of pytest, whose process it must not end

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call
