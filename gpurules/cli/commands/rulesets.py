"""``gpurules rulesets``."""

import click

from gpurules.cli.inputs.rulesets import PREFIX, check_there
from gpurules.cli.options import text_or_json
from gpurules.cli.terminal.output import report_json, table, write
from gpurules.model import Value
from gpurules.resources import resource_root
from gpurules.rules import Ruleset, load, shipped_names


@click.command("rulesets")
@click.argument("name", required=False)
@text_or_json
def command(name: str | None, format_: str) -> int:
    """List the shipped rulesets (use them as gpurules:NAME), or print the ruleset NAME."""
    if name is not None:
        name = name.removeprefix(PREFIX)
        check_there(f"{PREFIX}{name}")
        if format_ == "text":
            write(resource_root("rulesets").joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
            return 0
    loaded = {found: load(f"{PREFIX}{found}") for found in shipped_names() if name in (None, found)}
    if format_ == "json":
        write(report_json({"rulesets": [_data(found, ruleset) for found, ruleset in loaded.items()]}))
    else:
        rows = [(name, str(len(r.rules)), str(len(r.inputs)), _first(r.description)) for name, r in loaded.items()]
        write(table(("ruleset", "rules", "inputs", "what it is for"), rows))
    return 0


def _first(description: str) -> str:
    return description.strip().partition("\n")[0]


def _data(name: str, ruleset: Ruleset) -> dict[str, object]:
    inputs: dict[str, Value] = {key: given.value for key, given in ruleset.inputs.items()}
    return {
        "name": name,
        "description": ruleset.description.strip(),
        "version": ruleset.version,
        "inputs": inputs,
        "signals": list(ruleset.signals),
        "rules": [
            {"name": rule.name, "condition": rule.text.strip(), "actions": [action.name for action in rule.actions]}
            for rule in ruleset.rules
        ],
    }
