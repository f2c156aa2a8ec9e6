"""``gpurules repl``."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from gpurules.cli.explain.facts import read_facts
from gpurules.cli.explain.repl_session import ReplSession, completions, is_unfinished
from gpurules.cli.options import facts
from gpurules.cli.process.signals import Terminated
from gpurules.cli.terminal.output import pluralize, say
from gpurules.input_files import read_input
from gpurules.output_files import state_folder

MAX_LINE = 1 << 20
"""The longest line that is read from a pipe, in characters."""
PROMPT, MORE = "> ", "... "
DELIMITERS = " \t\n()<>=!,+-*/[]'\""


@click.command("repl")
@facts
def command(**given: str | None) -> int:
    """Evaluate conditions interactively, showing the value of each part on the given facts.

    Tab completes fields, functions and keywords; :help lists the commands. An unfinished condition continues on the
    next line; an empty line ends it, and Ctrl-C discards it. From a pipe each line is answered.
    """
    talk = ReplSession(read_facts(given))
    if not sys.stdin.isatty():
        while line := sys.stdin.readline(MAX_LINE):
            if not talk.answer(line):
                break
        return 0
    gpus = f"{pluralize(len(talk.facts.snapshot.gpus), 'GPU')} in the snapshot"
    say(f"{gpus if given['snapshot'] else 'no snapshot is loaded: type :snapshot FILE'}; :help for help, Ctrl-D to end")
    for line in _typed():
        if not talk.answer(line):
            break
    return 0


def _typed() -> Iterator[str]:
    """Yield the typed lines, with history and completion where readline is available; Ctrl-C discards a line."""
    history = _with_readline()
    begun: list[str] = []
    try:
        while True:
            try:
                line = input(MORE if begun else PROMPT)
            except Terminated:
                raise
            except KeyboardInterrupt:
                begun.clear()
                say("")
                continue
            except EOFError:
                say("")
                return
            begun.append(line)
            text = "\n".join(begun)
            if not line.strip() or not is_unfinished(text):
                begun.clear()
                yield text
    finally:
        if history is not None:
            import readline

            with suppress(OSError):
                history.parent.mkdir(parents=True, exist_ok=True)
                readline.set_history_length(1000)
                readline.write_history_file(history)


def _with_readline() -> Path | None:
    """Set up completion and read the history; return the path of the history, None without readline."""
    try:
        import readline
    except ImportError:
        return None
    history = state_folder("history")
    with suppress(OSError):
        if len(read_input(history, MAX_LINE)) <= MAX_LINE:
            readline.read_history_file(history)
    found: list[str] = []

    is_editline = "libedit" in (readline.__doc__ or "")

    def complete(word: str, state: int) -> str | None:
        if state == 0:
            found[:] = completions(readline.get_line_buffer()[: readline.get_endidx()], word)
            if word and not is_editline:  # readline itself closes the quote before the word
                found[:] = [text.rstrip("'\"") for text in found]
        return found[state] if state < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(DELIMITERS)
    readline.parse_and_bind("set show-all-if-ambiguous on")
    readline.parse_and_bind("bind ^I rl_complete" if is_editline else "tab: complete")
    return history
