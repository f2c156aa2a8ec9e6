"""Generates source code from rulesets: which rules a target supports, and the files to write."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.c import CBackEnd
from gpurules.backends.go import GoBackEnd
from gpurules.backends.native import NativeProgram
from gpurules.cli.terminal.output import pluralize
from gpurules.input_files import read_input
from gpurules.output_files import replace_file
from gpurules.rules import Ruleset
from gpurules.rules.native import TargetRefusal, native_program, native_schema

TARGETS = ("go", "c")
LANGUAGES = {"go": "Go", "c": "C"}
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
# fmt: off
_RESERVED = frozenset((
    "break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go",
    "goto", "if", "import", "interface", "map", "package", "range", "return", "select", "struct", "switch", "type",
    "var", "main", "auto", "char", "do", "double", "enum", "extern", "float", "inline", "int", "long", "register",
    "restrict", "short", "signed", "sizeof", "static", "typedef", "union", "unsigned", "void", "volatile", "while",
))
# fmt: on
_MARK = b"gpurules"
_MAX_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Build:
    """A ruleset for one target: the program, the rules that it cannot express, and how its files are made."""

    target: str
    program: NativeProgram
    refused: tuple[TargetRefusal, ...]
    files: Callable[[str, bool], Mapping[str, str]]


def build_for(ruleset: Ruleset, target: str) -> Build:
    """Return *ruleset* for *target*.

    Raises:
        UnsupportedError: the rules cannot be combined there.
    """
    back_end = GoBackEnd() if target == "go" else CBackEnd()
    program, refused = native_program(ruleset, back_end.check)
    schema = native_schema(ruleset)

    def files(name: str, with_driver: bool) -> Mapping[str, str]:
        return back_end.files(program, name, schema, with_driver)

    return Build(target, program, refused, files)


def check_name(name: str, option: str) -> str:
    """Return *name* if it is valid as the name of a Go package or the prefix of C identifiers.

    Raises:
        click.BadParameter: it is not.
    """
    if not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
        raise click.BadParameter(
            f"{name!r} cannot be a name there; write a word in lower case such as 'rules'", param_hint=f"'{option}'"
        )
    return name


def refusals(build: Build, path: str | None) -> Iterator[str]:
    """Yield a line for each rule that the target cannot express: its place, name, reason and the unsupported part."""
    for refusal in build.refused:
        rule = refusal.rule
        part = _part(refusal)
        at = f" (at {part!r})" if part else ""
        yield f"{rule.path or path or '-'}:{rule.line}:{rule.column}: rule {rule.name!r}: {refusal.message}{at}"


def _part(refusal: TargetRefusal) -> str:
    """Return the unsupported part of the condition; empty if it is in a definition."""
    span, text = refusal.span, refusal.rule.text
    if span is None or span.end > len(text):
        return ""
    part = text[span.start : span.end]
    return part if re.search(r"MATCHES|GLOB|LOWER|UPPER", part, re.IGNORECASE) else ""


def summary(build: Build) -> str:
    """Return how many rules the target supports, in a sentence."""
    said, refused = len(build.program.rules), len(build.refused)
    language = LANGUAGES[build.target]
    if not refused:
        return f"{pluralize(said, 'rule')} can be written in {language}"
    return f"{said} of {said + refused} rules can be written in {language}"


def write_files(files: Mapping[str, str], folder: Path) -> int:
    """Write *files* into *folder*, each atomically and only if it changed; return their total size in bytes.

    Raises:
        UnsupportedError: a file exists that gpurules did not write.
        OSError: it cannot be written.
    """
    made = {folder / name: text.encode("utf-8", "surrogatepass") for name, text in files.items()}
    present = {path: read_input(path, _MAX_BYTES) for path in made if path.exists()}
    for path, data in present.items():
        if _MARK not in data:
            raise UnsupportedError(f"{path} is not from gpurules and would be overwritten; choose another folder")
    for path, data in made.items():
        if present.get(path) == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data, mode=None)
    return sum(map(len, made.values()))
