"""``gpurules fmt``."""

from pathlib import Path

import click

from gpurules.cli.inputs.files import read_at_most, read_stdin, ruleset_files, test_files, without_excluded
from gpurules.cli.options import option
from gpurules.cli.project.configuration import sound_configuration, with_configuration
from gpurules.cli.terminal.output import difference, fail, pluralize, say, write_data, write_lines
from gpurules.cli.terminal.progress import with_progress
from gpurules.formatting import FormatError, format_text
from gpurules.output_files import replace_file
from gpurules.rules.yaml import MAX_BYTES


@click.command("fmt")
@click.argument("paths", nargs=-1)
@option("--check", is_flag=True, help="Change nothing; list the files that would change.")
@option("--diff", is_flag=True, help="Change nothing; show a diff.")
@option("--allow-empty", is_flag=True, help="Exit 0 when no file is found.")
@option("--stdin-filename", metavar="PATH", default="<stdin>", help="Name of stdin in messages.")
@with_configuration
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[str, ...], check: bool, diff: bool, allow_empty: bool,
    stdin_filename: str, config: str | None, isolated: bool,
) -> int:  # fmt: skip
    """Format rulesets and rule tests at PATHS (- for stdin to stdout; default: the current directory).

    Comments, quoting styles and the meaning are preserved; that the meaning is unchanged is checked.
    """
    only_look = check or diff
    if paths == ("-",):
        return _stdin(stdin_filename, check, diff)
    files = _files(paths or (".",), sound_configuration(context).exclude)
    if not files and not allow_empty:
        raise click.UsageError("no rulesets found; name files, call them *.rules.yaml, or pass --allow-empty")
    changed = failed = 0
    for path in with_progress(files, "files"):
        try:
            before = _text(read_at_most(path))
            after = format_text(before)
        except (FormatError, OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            fail(f"{path}: {reason}")
            failed += 1
            continue
        if after != before:
            changed += 1
            _handle(path, before, after, (check, diff))
    say(f"{pluralize(len(files), 'file')}: {changed} {'would change' if only_look else 'changed'}, {failed} failed")
    return int(failed > 0 or (only_look and changed > 0))


def _files(paths: tuple[str, ...], globs: tuple[str, ...]) -> list[str]:
    named = [path for path in paths if not path.startswith("gpurules:")]
    if len(named) < len(paths):
        raise click.UsageError("a shipped ruleset cannot be changed")
    found = dict.fromkeys([*ruleset_files(named), *test_files(named)])
    return without_excluded((path for path in found if not path.endswith(".json")), named, globs)


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise FormatError(f"it is larger than {MAX_BYTES >> 20} MiB")
    return data.decode()


def _handle(path: str, before: str, after: str, mode: tuple[bool, bool]) -> None:
    """Write the new text, or show what would change."""
    check, diff = mode
    if diff:
        write_data(difference(before, after, path))
    elif check:
        write_lines([path])
    else:
        replace_file(Path(path).resolve(), after.encode(), mode=None)


def _stdin(name: str, check: bool, diff: bool) -> int:
    try:
        before = _text(read_stdin())
        after = format_text(before)
    except (FormatError, UnicodeDecodeError) as error:
        fail(f"{name}: {error}")
        return 1
    if not (check or diff):
        write_data(after)
        return 0
    if diff:
        write_data(difference(before, after, name))
    return int(before != after)
