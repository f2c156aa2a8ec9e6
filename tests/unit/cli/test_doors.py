"""The door to the terminal."""

import io
import subprocess
from pathlib import Path

import pytest

from gpurules.cli.terminal import output

COMMANDS = "\r\x00\x07\x08\x1b\x7f\x9b\u202e\u2066\u2028\ufeff\ud800"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Shown:
    """What calls write, to a pipe or to a terminal."""

    def __init__(self, is_terminal, monkeypatch):
        self.is_terminal = is_terminal
        self._monkeypatch = monkeypatch

    def __call__(self, *calls):
        stream = Terminal() if self.is_terminal else io.StringIO()
        with self._monkeypatch.context() as context:  # not in a fixture: there pytest has streams of its own
            context.setattr("sys.stdout", stream)
            context.setattr("sys.stderr", stream)
            context.delenv("NO_COLOR", raising=False)
            context.delenv("FORCE_COLOR", raising=False)
            context.setenv("TERM", "xterm")
            for door, *arguments in calls:
                door(*arguments)
        return stream.getvalue()


@pytest.fixture(params=[False, True], ids=["pipe", "terminal"])
def shown(request, monkeypatch):
    return Shown(request.param, monkeypatch)


@pytest.mark.parametrize("character", COMMANDS)
@pytest.mark.parametrize("door", [output.write, output.say, output.say_drawn, output.fail, output.show_status])
def test_nothing_that_commands_a_terminal_passes(shown, door, character):
    text = shown((door, f"a{character}b語é")).removeprefix("\r\x1b[K")
    assert character not in text
    assert "b語é" in text


@pytest.mark.parametrize(
    "sequence", ["\x1b[2J", "\x1b[8m", "\x1b[5m", "\x1b]0;x\x07", "\x1b[31;8m", "\x1b[1A", "\x1bc", "\x1b[38;5m"]
)
def test_only_colors_pass_and_on_a_terminal_alone(shown, sequence):
    text = shown((output.write, f"{sequence}{output.Style.BAD.value}red{output.RESET}\n"))
    assert sequence not in text
    assert text.endswith("\x1b[31mred\x1b[0m\n") is shown.is_terminal
    assert ("\x1b" in text) is shown.is_terminal


def test_lines_and_messages_are_one_line_each(shown):
    text = shown((output.write_lines, ["a\nb", "c"]), (output.say, "d\ne"), (output.fail, "f\ng"))
    assert text == "a␊b\nc\nd␊e\ngpurules: f␊g\n"


def test_data_is_as_it_is_for_a_program_and_visible_on_a_terminal(shown):
    text = "a\r\n\x1b[31m\u202eb\n"
    assert shown((output.write_data, text)) == ("a␍\n\x1b[31m<U+202E>b\n" if shown.is_terminal else text)


@pytest.mark.parametrize(
    "name",
    ["plain.yaml", "a b.yaml", "line\nfeed.yaml", 'quote".yaml', "back\\slash.yaml", "é\x1b[31m.yaml", "\u202e.yaml"],
)
def test_patch_applies_a_difference_to_the_file_that_it_names(tmp_path: Path, name: str):
    before, after = "a: 1\r\n\x0bb: 2\n\x85c: 3\n", "a: 1\r\n\x0bb: 3\n\x85c: 3\nd: 4"
    (tmp_path / name).write_text(before, encoding="utf-8", newline="")
    difference = output.difference(before, after, name)
    assert all(line.startswith(("--- ", "+++ ", "@@", " ", "+", "-", "\\")) for line in difference.split("\n")[:-1])
    done = subprocess.run(["patch", "--binary", "-p0"], input=difference.encode(), cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done
    assert (tmp_path / name).read_bytes() == after.encode()
