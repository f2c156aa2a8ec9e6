"""Messages of actions: what their placeholders name, and what is written as one but is none."""

import re
from collections.abc import Collection, Iterator

from gpurules.actions import placeholders
from gpurules.actions.effects.notification.templates import EVENT_NAMES
from gpurules.diagnostics import Diagnostic, diagnostic_at
from gpurules.registry import did_you_mean
from gpurules.rules.yaml.nodes import YamlScalar, with_part_correction

_PARTS = re.compile(
    r"(?P<double>\{\{[-\s]*(?P<content>[^{}]*?)[-\s]*\}\})|\{\{|\}\}|\{[^{}]*\}"
    r"|(?P<foreign>\$(?:labels|value|externalLabels)\b[.\w]*|(?<![\w%])%(?:\(\w+\)|\.\d+)?[sdfr](?!\w))"
    r"|(?P<open>\{)|(?P<close>\})",
    re.ASCII,
)
_IS_EXPRESSION = re.compile(r"[$.]|.*\|", re.DOTALL)
_HINT = "a placeholder is a name in single braces, such as {gpu_index}"
_INSTEAD = {
    "value": "name the intended field, such as {gpu_temperature}",
    "labels.gpu": "write {gpu_index}",
    "labels.uuid": "write {gpu_uuid}",
    "labels.modelname": "write {gpu_name}",
    "labels.instance": "write {host}",
    "labels.hostname": "write {host}",
    "labels.alertname": "write {rule}",
}


def names_in(text: str) -> frozenset[str]:
    """Return what the placeholders of a message name."""
    return frozenset(name for _, name in placeholders(text))


def faults(value: YamlScalar, known: Collection[str], broken: Collection[str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the message *value*, whose placeholders can name what is *known*.

    A name that is declared wrongly is among *broken*: nothing is said of its uses.
    """
    every = [*known, *EVENT_NAMES]
    is_as_written = "${" not in value.source.text[value.start : value.end]
    for start, name in placeholders(value.text):
        if name not in every and name not in broken:
            place = value.location(start, start + len(name))
            message = f"the placeholder {name!r} names no field, signal, definition or input"
            hint = "double a literal brace: {{" if not name.strip() else _remedy(name, every)
            problem = diagnostic_at("GPR509", message, value.source.path, place, hint)
            yield with_part_correction(problem, name, every if is_as_written else ())
    for match in _PARTS.finditer(value.text):
        strange_text = _strange(match, every)
        if strange_text is not None:
            place = value.location(match.start(), match.end())
            yield diagnostic_at("GPR509", strange_text[0], value.source.path, place, strange_text[1])


def _remedy(name: str, every: Collection[str]) -> str | None:
    plain = re.split(r"[:!]", name.strip())[0].strip()
    if plain != name and plain in every:
        return f"write {{{plain}}}; formats are {{{plain}:.1f}}, a bare number, and {{{plain}:bytes}}"
    return did_you_mean(name, every)


def _strange(match: re.Match[str], every: Collection[str]) -> tuple[str, str] | None:
    """Return what is wrong with a part of a message, and what to write; None where it is in order."""
    if match["double"] is not None:
        content = match["content"]
        if content in every:
            return f"{match[0]} is text in braces, not a placeholder", f"write {{{content}}}"
        return _template(match[0], content) if _IS_EXPRESSION.match(content) else None
    if match["foreign"] is not None:
        return _template(match[0], match[0])
    if match["open"] is not None:
        return "this brace is never closed", "close it; double a literal brace: {{"
    if match["close"] is not None:
        return "this brace was never opened", "double a literal brace: }}"
    return None


def _template(written: str, content: str) -> tuple[str, str]:
    name = content.split("|")[0].strip().lstrip("$.").lower()
    shown = written if len(written) < 60 else f"{written[:57]}..."
    return f"{shown} is a template of another system, and is printed literally", _INSTEAD.get(name, _HINT)
