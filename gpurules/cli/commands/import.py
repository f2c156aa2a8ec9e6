"""``gpurules import``."""

from pathlib import Path

import click

from gpurules.cli.options import option
from gpurules.cli.terminal.output import note, pluralize, save, write_data
from gpurules.diagnostics.excerpt import visible


@click.group("import")
def command() -> None:
    """Import the rules of other tools: those of Prometheus."""


@command.command("prometheus")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@option("-o", "--output-file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
        help="Write to this file instead of stdout.")  # fmt: skip
@option("--name", metavar="NAME", default="imported", show_default=True, help="Name of the ruleset.")
@option("--partial", is_flag=True, help="Exit with 0 even if rules had to be left out.")
def prometheus_command(files: tuple[str, ...], output_file: Path | None, name: str, partial: bool) -> int:
    """Translate the rule files FILE... of Prometheus (or PrometheusRule resources) to a ruleset.

    What has no exact counterpart is left out, and listed on stderr and in comments with its reason; the exit code is
    then 1. A folder stands for the files in it.
    """
    from gpurules.input_files import read_input
    from gpurules.interop.prometheus.importing import import_rules, read_rules, render_ruleset
    from gpurules.rules.yaml import MAX_BYTES

    rules = [rule for path in _paths(files) for rule in read_rules(read_input(path, MAX_BYTES), str(path))]
    found = import_rules(rules)
    text = render_ruleset(found.rules, found.left_out, name)
    if output_file is None:
        write_data(text)
    else:
        save(text, output_file)
    for omission in found.left_out:
        note(visible(f"left out: {omission.name} ({omission.place}): {omission.reason}"))
    for rule in found.rules:
        for text in rule.notes:
            note(visible(f"{rule.name}: {text}"))
    note(f"{len(found.rules)} of {pluralize(found.total, 'rule')} translated, {len(found.left_out)} left out")
    return int(bool(found.left_out) and not partial)


def _paths(files: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, files):
        found += sorted(p for p in path.iterdir() if p.suffix in (".yml", ".yaml")) if path.is_dir() else [path]
    return found
