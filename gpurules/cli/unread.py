"""Reports what of a recording could not be used, and what was taken for granted: the same in every command."""

from gpurules.cli.output import counted, say

SHOWN = 5
"""How many problems and notices are shown word by word."""


def report_unread(reader: object) -> None:
    """Say what *reader* could not use, with counts and the first places, and what it took for granted."""
    notices: tuple[str, ...] = tuple(getattr(reader, "notices", ()))
    problems, count = tuple(getattr(reader, "problems", ())), getattr(reader, "problem_count", 0)
    for text in (*notices[:SHOWN], *problems[:SHOWN]):
        say(f"gpurules: {text}")
    if count > SHOWN:
        say(f"gpurules: and {counted(count - SHOWN, 'more line')} that could not be used")
