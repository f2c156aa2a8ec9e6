"""``gpurules init``."""

from importlib.resources import files
from pathlib import Path

import click

from gpurules.cli.inputs.files import display_path
from gpurules.cli.terminal.output import say, write_lines
from gpurules.output_files import write_file

FILES = {
    "rules/node.rules.yaml": "node.rules.yaml",
    "tests/node.test.yaml": "node.test.yaml",
    "gpurules.toml": "gpurules.toml",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    ".github/workflows/rules.yml": "github.yml",
}
"""What is written, and the template that it is written from."""


@click.command("init")
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
def command(directory: Path) -> int:
    """Write a ruleset, a test, a configuration, and files for pre-commit and GitHub to DIRECTORY (default: here).

    Existing files are not changed.
    """
    templates = files("gpurules.cli").joinpath("templates")
    kept = []
    for name, template in FILES.items():
        path = directory / name
        if path.exists() or path.is_symlink():
            kept.append(display_path(str(path)))
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, templates.joinpath(template).read_text(encoding="utf-8"))
        write_lines([display_path(str(path))])
    for name in kept:
        say(f"skipped {name}: already exists")
    say("next: gpurules lint, gpurules test, and gpurules run rules/node.rules.yaml --source auto")
    return 0
