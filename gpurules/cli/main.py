"""The entry point: dispatches to a command, and maps any outcome to an exit code and at most one line."""

import gc
import importlib
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import NoReturn

import click

from gpurules.cli.process.signals import ended_early, is_interruption
from gpurules.cli.terminal.output import fail, has_color, release_streams, say_drawn, steady_streams, terminal_width
from gpurules.diagnostics import DiagnosedError, Format, render
from gpurules.diagnostics.render import summary
from gpurules.errors import GpurulesError
from gpurules.registry import did_you_mean

COMMANDS = {
    "lint": "find every mistake in rulesets",
    "fmt": "format rulesets and rule tests",
    "test": "run the unit tests of rules",
    "testgen": "write missing tests for rules: limits, matches, missing facts",
    "eval": "evaluate a condition or a ruleset once",
    "repl": "evaluate conditions interactively",
    "explain": "explain why rules match or do not",
    "build": "compile rules to Go or C, for clients in these languages",
    "export": "write Prometheus rules, their tests, and a Grafana dashboard",
    "import": "translate Prometheus rules to a ruleset",
    "diff": "compare two rulesets, rule by rule",
    "backtest": "show what rulesets would have done over recorded telemetry",
    "tune": "propose thresholds and times from recorded telemetry, as a patch",
    "history": "manage the recording store",
    "run": "run a ruleset over telemetry and show its decisions",
    "serve": "run a ruleset as a node agent that serves HTTP",
    "status": "show the status of a running agent",
    "watch": "show a node and its rules live in the terminal",
    "health": "check the health of a node for NPD, Slurm, Nagios or a probe",
    "record": "record telemetry for later playback",
    "bench": "measure the cost of decisions of a ruleset on this machine",
    "doctor": "check what works on this machine",
    "snapshot": "show a snapshot from a telemetry source",
    "sources": "list the telemetry sources, and which work here",
    "fields": "list the fields that conditions can read",
    "actions": "list the actions that rules can use",
    "rulesets": "list the shipped rulesets",
    "lsp": "serve an editor: findings, completion, hover, fixes while typing",
    "rule": "explain a diagnostic code",
    "schema": "print the JSON Schema of ruleset files, for editors",
    "init": "write a ruleset, a test and a configuration to start from",
    "config": "show the effective configuration",
    "version": "print the version",
}
"""Every command and what it does, in the order of the help; the code of a command is loaded when it is used."""

ALIASES = {"check": "lint"}


class ExitCode(IntEnum):
    """Exit codes of the program."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INTERNAL = 3
    INTERRUPTED = 130


class CommandGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return the command *name*, or None."""
        name = ALIASES.get(name, name)
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"gpurules.cli.commands.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *arguments* begin with, or suggest the nearest one."""
        name = arguments[0]
        if name not in COMMANDS and name not in ALIASES:
            hint = did_you_mean(name, (*COMMANDS, *ALIASES)) or "see gpurules --help"
            raise click.UsageError(f"unknown command {name!r}; {hint}", context)
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gpurules", message="gpurules %(version)s")
def cli() -> None:
    """Rules for machines where GPUs and storage work together.

    Exit codes: 0 clean, 1 findings, 2 usage or input that cannot be read, 3 internal error, 130 interrupted,
    143 terminated.
    Every option can be set in the environment as GPURULES_<OPTION>.
    """


def _show(error: DiagnosedError) -> None:
    """Draw the mistakes in a user's text on stderr."""
    from gpurules.cli.inputs.files import text_to_show

    def read(path: str | None) -> str | None:
        return error.texts.get(path or "") or text_to_show(path)

    say_drawn(render(error.diagnostics, Format.FULL, read, has_color(sys.stderr), terminal_width()))
    fail(summary(error.diagnostics))


def report_interruption() -> int:
    """Report that a signal ended the command, and return the exit code."""
    code = ended_early()
    fail("interrupted" if code is None else "terminated")
    return ExitCode.INTERRUPTED if code is None else code


def run(arguments: Sequence[str]) -> int:
    """Run the program with *arguments* and return its exit code; nothing is raised."""
    try:
        code = cli.main(list(arguments), prog_name="gpurules", standalone_mode=False)
        return code if isinstance(code, int) else ExitCode.CLEAN
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        where = getattr(error, "ctx", None)
        hint = f" (gpurules {where.command_path.removeprefix('gpurules ')} --help)" if where and where.parent else ""
        fail("; ".join(error.format_message().rstrip(".").splitlines()) + hint)
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return report_interruption()
    except DiagnosedError as error:
        _show(error)
        return ExitCode.FINDINGS
    except GpurulesError as error:
        fail(str(error))
        return ExitCode.USAGE
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        fail(f"{place}{error.strerror or error}")
        return ExitCode.USAGE
    except BaseException as error:  # last resort: any other exception is a bug, here or in foreign code
        if is_interruption(error):
            return report_interruption()
        from gpurules.cli.process.crash import record

        fail(f"internal error: {type(error).__name__}; the details are in {record(error, arguments)}")
        return ExitCode.INTERNAL


MANY_OBJECTS = 20_000
"""How many objects may come up before the collector looks for cycles: reading a ruleset makes many, and no cycles."""


def main() -> NoReturn:
    """Run the program and end the process."""
    gc.set_threshold(MANY_OBJECTS, 20, 50)
    steady_streams()
    code = run(sys.argv[1:])
    release_streams()
    gc.freeze()  # the process is about to end, so a final garbage collection is wasted
    sys.exit(code)
