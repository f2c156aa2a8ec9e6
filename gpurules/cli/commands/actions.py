"""``gpurules actions``."""

import click

from gpurules.actions import Action, default_actions, parameter_rows
from gpurules.cli.options import reference_format
from gpurules.cli.reference.pages import action_data, actions_page
from gpurules.cli.terminal.output import name_failed_plugins, page, report_json, table, write


@click.command("actions")
@click.argument("name", required=False)
@reference_format
def command(name: str | None, format_: str) -> int:
    """List the actions that rules can use, including plug-ins, or show the action NAME."""
    registry = default_actions()
    actions = list(registry) if name is None else [registry[name]]
    name_failed_plugins()
    if format_ == "json":
        write(report_json({"actions": [action_data(action) for action in actions]}))
    elif format_ == "markdown":
        page(actions_page(actions))
    elif name is not None:
        write(_details(actions[0]))
    else:
        write(table(("action", "kind", "what it does"), ((a.name, a.kind.value, a.summary) for a in actions)))
    return 0


def _details(action: Action) -> str:
    rows = parameter_rows(action)
    taken = table(("parameter", "type", "default", "what it is"), rows) if rows else "no parameters\n"
    return f"{action.name} ({action.kind.value})\n{action.summary}\n\n{taken}"
