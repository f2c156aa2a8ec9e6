"""``gpurules lint``."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gpurules.cli.files import ruleset_files
from gpurules.cli.options import option, output_file
from gpurules.cli.output import counted, has_colour, save, say, table, terminal_width, to_json
from gpurules.cli.selection import FAIL_ON, selected, statistics
from gpurules.diagnostics import Diagnostic, Format, render
from gpurules.diagnostics.render import SCHEMA_VERSION, summary
from gpurules.linter import lint, lints


@click.command("lint")
@click.argument("paths", nargs=-1)
@option(
    "--output-format",
    type=click.Choice([f.value for f in Format]),
    default="full",
    show_default=True,
    help="For people, one a line, or for programs.",
)
@output_file
@option(
    "--fail-on",
    type=click.Choice(list(FAIL_ON)),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@option("--select", multiple=True, metavar="CODES", help="Report only these: codes, prefixes such as GPR1, or names.")
@option("--ignore", multiple=True, metavar="CODES", help="Do not report these.")
@option("--statistics", "by_code", is_flag=True, help="Count findings by code instead of listing them.")
@option("--allow-empty", is_flag=True, help="Let it be no mistake that there is no ruleset.")
@option("--stdin-filename", metavar="PATH", default="<stdin>", help="What stdin is called in reports.")
def command(
    paths: tuple[str, ...], output_format: str, output_file: Path | None, fail_on: str,
    select: tuple[str, ...], ignore: tuple[str, ...], by_code: bool, allow_empty: bool, stdin_filename: str,
) -> int:  # fmt: skip
    """Find every mistake in the rulesets at PATHS (files, directories, globs, - for stdin; default: here)."""
    sources = _sources(paths or (".",), stdin_filename)
    if not sources and not allow_empty:
        raise click.UsageError("no ruleset is there; name files, call them *.rules.yaml, or give --allow-empty")
    found: list[Diagnostic] = []
    for path, text in sources.items():
        found += lint(path) if text is None else lints(text, path)
    reported = selected(found, select, ignore)
    save(_report(reported, Format(output_format), by_code, sources, output_file is None), output_file)
    say(f"{counted(len(sources), 'file')}: {summary(reported)}")
    return int(any(d.severity in FAIL_ON[fail_on] for d in reported))


def _sources(paths: Sequence[str], stdin_name: str) -> dict[str, bytes | None]:
    """Return what is to be checked by its path: the bytes of stdin, None for a file."""
    files: dict[str, bytes | None] = dict.fromkeys(ruleset_files(path for path in paths if path != "-"))
    return files | {stdin_name: sys.stdin.buffer.read()} if "-" in paths else files


def _report(
    reported: Sequence[Diagnostic], form: Format, by_code: bool, sources: dict[str, bytes | None], on_stdout: bool
) -> str:
    if by_code:
        rows = statistics(reported)
        if form is Format.JSON:
            entries = [{"code": code, "name": name, "count": int(n)} for n, code, name in rows]
            return to_json({"schema_version": SCHEMA_VERSION, "statistics": entries})
        return table(("count", "code", "name"), rows) if rows else ""

    def read(path: str | None) -> str | None:
        if path is None:
            return None
        data = sources.get(path)
        try:
            return (Path(path).read_bytes() if data is None else data).decode("utf-8", "replace")
        except OSError:
            return None

    return render(reported, form, read, on_stdout and has_colour(sys.stdout), terminal_width())
