"""``gpurules build``."""

from pathlib import Path

import click

from gpurules.cli.building import LANGUAGES, TARGETS, Build, build_for, check_name, refusals, summary, write_files
from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import option, stdin_filename
from gpurules.cli.terminal.output import fail, note, pluralize, write_lines


@click.command("build")
@click.argument("ruleset")
@stdin_filename
@option("--target", type=click.Choice(TARGETS), help="Target language; with --check, all of them by default.")
@option(
    "-o",
    "--output",
    envvar=["GPURULES_BUILD_OUTPUT"],
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Output directory.",
)
@option("--package", metavar="NAME", default="rules", show_default=True, help="Name of the Go package.")
@option("--prefix", metavar="NAME", default="gr", show_default=True, help="Prefix of C names.")
@option("--driver", is_flag=True, help="Add a program that decides on lines of facts, for trying the rules.")
@option("--partial", is_flag=True, help="Skip rules that the target cannot express; the README lists them.")
@option("--check", is_flag=True, help="Write nothing; report which rules the target cannot express.")
def command(
    ruleset: str, target: str | None, output: Path | None, package: str, prefix: str, driver: bool, partial: bool,
    check: bool,
) -> int:  # fmt: skip
    """Compile RULESET (a file or gpurules:NAME) to Go or C source that makes the same decisions.

    The source has no dependencies, and is the same for the same ruleset. Clients feed it the state file that
    `gpurules run --publish` writes. The exit code is 1 if a rule cannot be compiled and --partial is not given.
    """
    loaded = load_ruleset(ruleset)
    if check:
        builds = [build_for(loaded, name) for name in (TARGETS if target is None else (target,))]
        for build in builds:
            write_lines([*refusals(build, loaded.path), summary(build)])
        return 1 if any(build.refused for build in builds) else 0
    if target is None or output is None:
        missing = "--target go or c" if target is None else "-o DIR"
        raise click.UsageError(f"missing {missing} (or --check, which writes nothing)")
    name = check_name(package, "--package") if target == "go" else check_name(prefix, "--prefix")
    build = build_for(loaded, target)
    if build.refused and not partial:
        write_lines(refusals(build, loaded.path))
        fail(f"{summary(build)}; change the others, or leave them out with --partial")
        return 1
    _write(build, output, name, driver)
    return 0


def _write(build: Build, output: Path, name: str, driver: bool) -> None:
    for refusal in build.refused:
        note(f"left out: {refusal.rule.name!r}: {refusal.message}")
    files = build.files(name, driver)
    size = write_files(files, output)
    rules = pluralize(len(build.program.rules), "rule")
    written = f"{pluralize(len(files), f'{LANGUAGES[build.target]} file')} ({-(-size // 1024)} KiB)"
    write_lines([f"wrote {rules} as {written} to {output}"])
