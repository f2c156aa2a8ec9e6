"""Renders the templates of the chart: the small part of Helm's language that they use, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

_TAG = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)


def lookup(path: str, scope: dict[str, Any]) -> Any:
    """Return what ``.Values.a.b`` names; a name that is not there is an error, as under ``helm lint --strict``."""
    value: Any = scope
    for name in path.strip().removeprefix(".").split("."):
        value = value[name]
    return value


def evaluated(expression: str, scope: dict[str, Any]) -> str:
    """Return the text of a pipeline."""
    first, *filters = [part.strip() for part in expression.split("|")]
    if first.startswith("toYaml "):
        value: Any = yaml.safe_dump(lookup(first.removeprefix("toYaml "), scope), sort_keys=True, width=10**6).rstrip()
    else:
        value = lookup(first, scope)
    for word in filters:
        if word == "quote":
            value = json.dumps(str(value))
        elif word.startswith("nindent "):
            pad = " " * int(word.removeprefix("nindent "))
            value = "\n" + "\n".join(f"{pad}{line}" if line else line for line in str(value).splitlines())
        else:
            raise ValueError(f"the chart uses {word!r}, which this does not know")
    return str(value).lower() if isinstance(value, bool) else str(value)


def rendered(text: str, scope: dict[str, Any]) -> str:
    """Return a template with its actions carried out."""
    output, shown, place = "", [True], 0
    for tag in _TAG.finditer(text):
        between = text[place : tag.start()]
        output += (between.rstrip() if tag[1] else between) if all(shown) else ""
        place = tag.end()
        if tag[3]:
            place += len(text[place:]) - len(text[place:].lstrip())
        if tag[2].startswith("if "):
            shown.append(bool(lookup(tag[2].removeprefix("if "), scope)))
        elif tag[2] == "end":
            shown.pop()
        elif all(shown):
            output += evaluated(tag[2], scope)
    assert shown == [True]
    return output + text[place:]


def manifests(chart: Path, values: dict[str, Any] | None = None) -> Iterator[str]:
    """Yield the documents of a chart, each as text, in the order of its files."""
    defaults = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    for name, value in (values or {}).items():
        defaults[name] = {**defaults[name], **value} if isinstance(value, dict) else value
    scope = {"Values": defaults, "Release": {"Name": "gpurules", "Namespace": "gpurules"}}
    for path in sorted((chart / "templates").glob("*.yaml")):
        for document in rendered(path.read_text(encoding="utf-8"), scope).split("\n---\n"):
            if document.strip():
                yield document.strip() + "\n"
