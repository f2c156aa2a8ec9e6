"""A REPL for conditions: each line is evaluated on the current facts."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from gpurules.backends import Facts as Evaluated
from gpurules.backends import explain
from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD
from gpurules.cli.explain.explanations import render_tree
from gpurules.cli.explain.facts import read_facts, say_now
from gpurules.cli.terminal.output import Style, has_color, paint, write, write_lines
from gpurules.diagnostics import Diagnostic, Format, render
from gpurules.errors import GpurulesError
from gpurules.facts import KINDS, CheckedFacts
from gpurules.fields import FIELDS, field_range
from gpurules.language import Environment, parse
from gpurules.language.completion import Role, completion
from gpurules.model import Kind
from gpurules.registry import did_you_mean
from gpurules.rules import Condition, ConditionError

COMMANDS = {
    ":facts": "show the current facts",
    ":field NAME": "describe a field",
    ":snapshot FILE": "use other facts; also :transfer, :workload and :node, each a file or the JSON itself",
    ":help": "this",
    ":quit": "end (also quit, exit, Ctrl-D)",
}
_WORDS = {True: "true", False: "false", None: "unknown"}
_NO_GPU = "there is no GPU in the snapshot"
_STYLES = {True: Style.GOOD, False: Style.BAD, None: Style.WARN}


class ReplSession:
    """Evaluates the lines that are typed on the current facts."""

    def __init__(self, facts: CheckedFacts) -> None:
        self.facts = facts

    def answer(self, line: str) -> bool:
        """Evaluate a line; return False if it ends the session."""
        text = line.strip()
        if not text or text.startswith("#"):
            return True
        if text in ("quit", "exit"):
            return False
        if text.startswith(":"):
            return self._command(text)
        self._condition(text)
        return True

    def _condition(self, text: str) -> None:
        if self._value(text):
            return
        try:
            condition = Condition(text)
        except ConditionError as error:
            _show(error.diagnostics, text)
            return
        _show(condition.diagnostics, text)
        facts = self.facts
        say_now(facts, [condition.term])
        context = (facts.snapshot, facts.transfer, facts.workload, facts.node)
        result = condition.evaluate(*context)
        on = f" on GPU {', '.join(map(str, result.devices))}" if result.devices else ""
        on = f": {_NO_GPU}" if condition.per_gpu and not facts.snapshot.gpus else on
        write_lines([f"{paint(_WORDS[result.value], _STYLES[result.value])}{on}"])
        write_lines(render_tree(condition.explain(*context)))

    def _value(self, text: str) -> bool:
        """Show the value of a valid expression that is not a condition, such as a field; return whether it is one."""
        checked = Environment().expression(parse(text))
        if checked.findings or checked.term.datatype.kind in (Kind.BOOL, Kind.ERROR):
            return False
        facts = self.facts
        say_now(facts, [checked.term])
        given = (facts.transfer or NO_TRANSFER, facts.workload or NO_WORKLOAD, facts.node or NO_NODE)
        explained = explain(checked.term, Evaluated(facts.snapshot, facts.snapshot.gpus, *given))
        write_lines([_NO_GPU] if explained.is_per_gpu and not explained.devices else render_tree(explained))
        return True

    def _command(self, text: str) -> bool:
        name, _, argument = text.partition(" ")
        match name:
            case ":quit" | ":q" | ":exit":
                return False
            case ":help":
                write_lines(f"{usage:<16} {what}" for usage, what in COMMANDS.items())
            case ":facts":
                self._print_problem()
            case ":field":
                write_lines([_about(argument.strip())])
            case ":snapshot" | ":transfer" | ":workload" | ":node":
                self._take(name.removeprefix(":"), argument.strip())
            case _:
                known = [usage.split()[0] for usage in COMMANDS]
                write_lines([f"no command is named {name!r}; {did_you_mean(name, known) or 'see :help'}"])
        return True

    def _take(self, name: str, given: str) -> None:
        if not given or given == "-":
            write_lines([f":{name} expects a file, or the JSON itself"])
            return
        try:
            read = read_facts({name: given}, now=None if name == "snapshot" else self.facts.snapshot.timestamp)
        except (click.ClickException, GpurulesError, OSError) as error:
            message = error.format_message() if isinstance(error, click.ClickException) else str(error)
            write_lines([message.replace(f"--{name}: ", "")])
            return
        is_timed = read.is_timed if name == "snapshot" else self.facts.is_timed
        self.facts = replace(self.facts, is_timed=is_timed, **{name: getattr(read, name)})

    def _print_problem(self) -> None:
        facts = self.facts
        for gpu in facts.snapshot.gpus:
            write_lines([f"GPU {gpu.index}: {_listed(gpu.to_dict())}"])
        for name, one in (("transfer", facts.transfer), ("workload", facts.workload)):
            if one is not None:
                write_lines([f"{name}: {_listed(one.to_dict())}"])
        if facts.node:
            write_lines([f"node: {_listed(facts.node)}"])


def _listed(data: object) -> str:
    items = data.items() if hasattr(data, "items") else ()
    return ", ".join(f"{key} {value}" for key, value in items if key not in ("index", "missing")) or "nothing"


def _about(name: str) -> str:
    field = FIELDS.get(name)
    if field is None:
        return f"no field is named {name!r}; {did_you_mean(name, FIELDS) or 'see gpurules fields'}"
    values = f" ({text})" if (text := field_range(field)) else ""
    return f"{field.name}: {field.datatype}{values}: {field.description}"


def _show(diagnostics: tuple[Diagnostic, ...], text: str) -> None:
    if diagnostics:
        write(render(diagnostics, Format.FULL, lambda path: text, has_color(sys.stdout)))


def is_unfinished(text: str) -> bool:
    """Return whether a condition is incomplete: it ends after an operator or inside brackets.

    >>> is_unfinished("gpu_memory > 80 AND"), is_unfinished("any("), is_unfinished("gpu_memory >> 80")
    (True, True, False)
    """
    findings = parse(text).findings if text.strip() and not text.lstrip().startswith((":", "#")) else ()
    return bool(findings) and all(
        found.code == "GPR003" and found.span.start >= len(text.rstrip()) for found in findings
    )


def completions(before: str, word: str) -> Iterator[str]:
    """Yield the completions of *word*, the end of the line so far; a line that starts with : is a command."""
    if before.startswith(":"):
        yield from _arguments(before, word)
        return
    for found in completion(before).suggestions:
        if found.text.lower().startswith(word.lower()):
            yield f"{found.text} " if found.role is Role.KEYWORD and found.text[-1] != "(" else found.text


def _arguments(before: str, word: str) -> Iterator[str]:
    """Yield completions: names of commands, of fields after ``:field``, otherwise of files."""
    command, space, argument = before.partition(" ")
    if not space:
        yield from (usage.split()[0] + " " for usage in COMMANDS if usage.startswith(word))
    elif command == ":field":
        yield from (name for name in FIELDS if name.startswith(word))
    elif command.removeprefix(":") in KINDS:
        folder, slash, name = argument.rpartition("/")
        try:
            entries = sorted(Path(f"{folder}{slash}" or ".").iterdir())
        except OSError:
            return
        for entry in entries:
            if entry.name.startswith(name):
                whole = f"{entry.name}/" if entry.is_dir() else entry.name
                yield whole[len(name) - len(word) :]
