"""``gpurules eval``."""

from collections.abc import Mapping

import click

from gpurules.cli.explain.explanations import describe_decision, render_tree
from gpurules.cli.explain.facts import read_facts, say_now
from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import facts, option, stdin_filename, text_or_json
from gpurules.cli.terminal.output import has_color, report_json, say_drawn, to_json, write, write_lines
from gpurules.diagnostics import Diagnostic, Format, render
from gpurules.facts import CheckedFacts
from gpurules.rules import Condition, ConditionError, Ruleset


@click.command("eval")
@click.argument("condition", required=False)
@stdin_filename
@option("-r", "--ruleset", metavar="FILE", help="Evaluate this ruleset (or gpurules:NAME) instead of a condition.")
@facts
@text_or_json
@option("--exit-code", is_flag=True, help="Exit 1 unless the condition is true, or a rule of the ruleset matches.")
@option("-v", "--verbose", is_flag=True, help="Show the value of every part of the condition.")
def command(
    condition: str | None, ruleset: str | None, exit_code: bool, format_: str, verbose: bool, **given: str | None
) -> int:
    """Evaluate a CONDITION, or a whole ruleset, once on the given facts."""
    if (condition is None) == (ruleset is None):
        raise click.UsageError("give either a condition or --ruleset")
    if ruleset is not None:
        is_true = _ruleset(load_ruleset(ruleset), given, format_)
        return int(exit_code and not is_true)
    try:
        known = Condition(condition or "")
    except ConditionError as error:
        _show(error.diagnostics, condition or "")
        return 1
    is_true = _condition(known, read_facts(given), format_, verbose)
    return int(exit_code and not is_true)


def _condition(condition: Condition, known: CheckedFacts, format_: str, verbose: bool) -> bool:
    _show(condition.diagnostics, condition.text)
    say_now(known, [condition.term])
    context = (known.snapshot, known.transfer, known.workload, known.node)
    result = condition.evaluate(*context)
    if format_ == "json":
        explained = {"explanation": condition.explain(*context).to_dict()} if verbose else {}
        write(report_json({"value": result.value, "devices": list(result.devices), **explained}))
        return result.value is True
    on = f" on GPU {', '.join(map(str, result.devices))}" if result.devices else ""
    write_lines([{True: "true", False: "false", None: "unknown"}[result.value] + on])
    if verbose:
        write_lines(["", *render_tree(condition.explain(*context))])
    return result.value is True


def _show(diagnostics: tuple[Diagnostic, ...], text: str) -> None:
    import sys

    if diagnostics:
        say_drawn(render(diagnostics, Format.FULL, lambda path: text, has_color(sys.stderr)).rstrip("\n"))


def _ruleset(loaded: Ruleset, given: Mapping[str, str | None], format_: str) -> bool:
    known = read_facts(given, loaded.fields)
    say_now(known, loaded.terms)
    decision = loaded.evaluate(known.snapshot, known.transfer, known.workload, known.node)
    if format_ == "json":
        write(to_json(decision.to_dict()))
        return bool(decision.matched)
    for match in decision.matched:
        on = f" on GPU {', '.join(map(str, match.devices))}" if match.devices else ""
        write_lines([f"{match.rule} matched{on}: {', '.join(action.name for action in match.actions)}"])
    asked = describe_decision(decision, of_node=True)
    write_lines(["; ".join(asked) or "no directive applies to the transfer"])
    return bool(decision.matched)
