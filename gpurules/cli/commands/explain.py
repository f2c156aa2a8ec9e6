"""``gpurules explain``."""

from collections.abc import Mapping, Sequence

import click

from gpurules.actions.explained import ExplainedRule
from gpurules.cli.explain.explanations import draw
from gpurules.cli.explain.facts import read_facts, say_now
from gpurules.cli.inputs.remote import connected_engine, connection_options
from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import facts, stdin_filename, text_or_json
from gpurules.cli.terminal.output import report_json, write
from gpurules.registry import did_you_mean
from gpurules.remote import AgentUnavailable, RemoteEngine


@click.command("explain")
@click.argument("ruleset", required=False)
@click.argument("rule", required=False)
@stdin_filename
@facts
@connection_options
@text_or_json
def command(
    ruleset: str | None, rule: str | None, format_: str, connect: str | None, token_file: str | None,
    ca_file: str | None, **given: str | None,
) -> int:  # fmt: skip
    """Explain why each rule of RULESET (a file or gpurules:NAME), or only RULE, matches the facts or does not."""
    if connect is not None:
        with connected_engine(connect, token_file, ca_file) as engine:
            return _explained_by(engine, rule or ruleset, format_, given)
    if ruleset is None:
        raise click.UsageError("name a ruleset, or a running agent with --connect")
    loaded = load_ruleset(ruleset)
    known = read_facts(given, loaded.fields)
    if rule is not None and loaded.rule(rule) is None:
        names = [known_rule.name for known_rule in loaded.rules]
        hint = did_you_mean(rule, names) or f"it has {', '.join(names[:20])}"
        raise click.UsageError(f"{ruleset} has no rule {rule!r}; {hint}")
    say_now(known, loaded.terms)
    explained = loaded.evaluate(known.snapshot, known.transfer, known.workload, known.node).explain()
    return _shown(explained.rules if rule is None else (explained.rule(rule),), format_)


def _explained_by(engine: RemoteEngine, rule: str | None, format_: str, given: Mapping[str, str | None]) -> int:
    """Show why the rules of an agent match or not; the only facts accepted are a transfer and a workload."""
    if given.get("snapshot") or given.get("node"):
        raise click.UsageError("the GPUs are those of the agent: leave out --snapshot and --node")
    known = read_facts(given)
    try:
        explained = engine.explain(known.transfer, known.workload)
    except AgentUnavailable as error:
        raise click.UsageError(str(error)) from None
    names = [entry.rule for entry in explained.rules]
    if rule is not None and rule not in names:
        hint = did_you_mean(rule, names) or f"it has {', '.join(names[:20])}"
        raise click.UsageError(f"the agent has no rule {rule!r}; {hint}")
    return _shown(explained.rules if rule is None else (explained.rule(rule),), format_)


def _shown(chosen: Sequence[ExplainedRule], format_: str) -> int:
    if format_ == "json":
        write(report_json({"rules": [entry.to_dict() for entry in chosen]}))
    else:
        write(draw(chosen))
    return 0
