"""Names the plug-ins that could not be loaded."""

from gpurules.actions import failed_plugins
from gpurules.cli.output import say


def name_failed_plugins() -> None:
    """Say of each action plug-in that could not be used why not: a rule that orders its action will be wrong."""
    for plugin, error in failed_plugins().items():
        say(f"gpurules: the action plug-in {plugin!r} is left out: {error}")
