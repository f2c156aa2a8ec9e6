"""A conversation about conditions: each line is evaluated on the facts at hand."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import click

from gpurules.cli.explanations import tree
from gpurules.cli.facts import Facts, read_facts
from gpurules.cli.output import Style, has_colour, paint, write
from gpurules.diagnostics import Diagnostic, Format, render
from gpurules.errors import GpurulesError
from gpurules.fields import FIELDS, field_range
from gpurules.language.completion import Role, completion
from gpurules.registry import did_you_mean
from gpurules.rules import Condition, ConditionError

COMMANDS = {
    ":facts": "show the facts at hand",
    ":field NAME": "say what a field is",
    ":snapshot FILE": "take other facts; also :transfer, :workload and :node, each a file or the JSON itself",
    ":help": "this",
    ":quit": "end (also Ctrl-D)",
}
_WORDS = {True: "true", False: "false", None: "unknown"}
_STYLES = {True: Style.GOOD, False: Style.BAD, None: Style.WARN}


class Conversation:
    """The facts at hand, and answers to what is typed."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def answer(self, line: str) -> bool:
        """Answer a line; return False where it asks to end."""
        text = line.strip()
        if not text or text.startswith("#"):
            return True
        if text.startswith(":"):
            return self._command(text)
        self._condition(text)
        return True

    def _condition(self, text: str) -> None:
        try:
            condition = Condition(text)
        except ConditionError as error:
            _show(error.diagnostics, text)
            return
        _show(condition.diagnostics, text)
        facts = self.facts
        context = (facts.snapshot, facts.transfer, facts.workload, facts.node)
        result = condition.evaluate(*context)
        on = f" on GPU {', '.join(map(str, result.devices))}" if result.devices else ""
        write(f"{paint(_WORDS[result.value], _STYLES[result.value])}{on}\n")
        write("\n".join(tree(condition.explain(*context))) + "\n")

    def _command(self, text: str) -> bool:
        name, _, argument = text.partition(" ")
        match name:
            case ":quit" | ":q" | ":exit":
                return False
            case ":help":
                write("".join(f"{usage:<16} {what}\n" for usage, what in COMMANDS.items()))
            case ":facts":
                self._tell()
            case ":field":
                write(_about(argument.strip()))
            case ":snapshot" | ":transfer" | ":workload" | ":node":
                self._take(name.removeprefix(":"), argument.strip())
            case _:
                known = [usage.split()[0] for usage in COMMANDS]
                write(f"no command is named {name!r}; {did_you_mean(name, known) or 'see :help'}\n")
        return True

    def _take(self, name: str, given: str) -> None:
        try:
            read = read_facts(**{kind: given if kind == name else None for kind in _KINDS})
        except (click.ClickException, GpurulesError, OSError) as error:
            write(f"{error.format_message() if isinstance(error, click.ClickException) else error}\n")
            return
        self.facts = replace(self.facts, **{name: getattr(read, name)})

    def _tell(self) -> None:
        facts = self.facts
        for gpu in facts.snapshot.gpus:
            write(f"GPU {gpu.index}: {_listed(gpu.to_dict())}\n")
        for name, one in (("transfer", facts.transfer), ("workload", facts.workload)):
            if one is not None:
                write(f"{name}: {_listed(one.to_dict())}\n")
        if facts.node:
            write(f"node: {_listed(facts.node)}\n")


_KINDS = ("snapshot", "transfer", "workload", "node")


def _listed(data: object) -> str:
    items = data.items() if hasattr(data, "items") else ()
    return ", ".join(f"{key} {value}" for key, value in items if key not in ("index", "missing")) or "nothing"


def _about(name: str) -> str:
    field = FIELDS.get(name)
    if field is None:
        return f"no field is named {name!r}; {did_you_mean(name, FIELDS) or 'see gpurules fields'}\n"
    values = f" ({text})" if (text := field_range(field)) else ""
    return f"{field.name}: {field.datatype}{values}: {field.description}\n"


def _show(diagnostics: tuple[Diagnostic, ...], text: str) -> None:
    if diagnostics:
        write(render(diagnostics, Format.FULL, lambda path: text, has_colour(sys.stdout)))


def completions(before: str, word: str) -> Iterator[str]:
    """Yield what *word*, the end of the line so far, can go on as; a line that starts with : is a command."""
    if before.startswith(":"):
        yield from (usage.split()[0] + " " for usage in COMMANDS if before == word and usage.startswith(word))
        return
    for found in completion(before).suggestions:
        if found.text.lower().startswith(word.lower()):
            yield f"{found.text} " if found.role is Role.KEYWORD and found.text[-1] != "(" else found.text
