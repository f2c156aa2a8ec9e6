"""The bar of long work."""

import io
import sys
from collections.abc import Iterator

import pytest

from gpurules.cli.terminal import progress
from gpurules.cli.terminal.progress import with_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Let stderr be a terminal; from within the test, since pytest puts its own there before."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return shown


def clock(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    """Let each look at the clock be *step* seconds after the last."""

    def times() -> Iterator[float]:
        now = 0.0
        while True:
            yield now
            now += step

    reported = times()
    monkeypatch.setattr(progress, "monotonic", lambda: next(reported))


def test_long_work_shows_how_far_it_is_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    clock(monkeypatch, 0.6)
    assert list(with_progress(range(4), "files")) == [0, 1, 2, 3]
    lines = terminal.getvalue().split("\r\x1b[K")
    assert lines == ["", "[######..................] 1 of 4 files", "[############............] 2 of 4 files",
                     "[##################......] 3 of 4 files", ""]  # fmt: skip


def test_what_has_no_known_length_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    clock(monkeypatch, 0.6)
    assert list(with_progress(iter(range(4)), "snapshots")) == [0, 1, 2, 3]
    assert terminal.getvalue().split("\r\x1b[K") == ["", "1 snapshots", "2 snapshots", "3 snapshots", ""]
    assert list(with_progress(iter("ab"), "files", 2)) == ["a", "b"]
    assert "1 of 2 files" in terminal.getvalue()


class File(list[int]):
    """A reader of a file that reports how much it has read."""

    share = 0.0

    def __iter__(self) -> Iterator[int]:
        for item in range(4):
            self.share = (item + 1) / 4
            yield item


def test_of_a_file_the_share_that_has_been_read_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    clock(monkeypatch, 0.6)
    file = File()
    for work in (with_progress(iter(file), "snapshots", file=file), (item for item in file)):
        assert list(work) == [0, 1, 2, 3]
    assert terminal.getvalue().split("\r\x1b[K")[1:] == [
        "[############............] 50 % · 1 snapshots", "[##################......] 75 % · 2 snapshots",
        "[########################] 100 % · 3 snapshots", "",
    ]  # fmt: skip


def test_short_work_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    clock(monkeypatch, 0.01)
    assert len(list(with_progress(range(50), "files"))) == 50
    assert terminal.getvalue() == ""


def test_the_bar_is_gone_when_work_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    clock(monkeypatch, 5)
    work = with_progress(range(50), "files")
    next(work)
    next(work)
    work.close()  # type: ignore[attr-defined]
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_no_progress_is_shown_in_ci_or_on_a_dumb_terminal(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    terminal = watched(monkeypatch)
    clock(monkeypatch, 5)
    monkeypatch.setenv(name, value)
    assert len(list(with_progress(range(50), "files"))) == 50
    assert terminal.getvalue() == ""


def test_elsewhere_there_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock(monkeypatch, 5)
    list(with_progress(range(50), "files"))
    assert capsys.readouterr() == ("", "")
