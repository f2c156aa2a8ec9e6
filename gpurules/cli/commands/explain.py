"""``gpurules explain``."""

import click

from gpurules.cli.explain.explanations import draw
from gpurules.cli.explain.facts import read_facts, say_now
from gpurules.cli.options import facts, stdin_filename, text_or_json
from gpurules.cli.output import report_json, write
from gpurules.cli.rulesets import load_ruleset
from gpurules.registry import did_you_mean


@click.command("explain")
@click.argument("ruleset")
@click.argument("rule", required=False)
@stdin_filename
@facts
@text_or_json
def command(ruleset: str, rule: str | None, format_: str, **given: str | None) -> int:
    """Say why each rule of RULESET (a file or gpurules:NAME), or the one called RULE, matches the facts or does not."""
    loaded = load_ruleset(ruleset)
    known = read_facts(given, loaded.fields)
    if rule is not None and loaded.rule(rule) is None:
        names = [known_rule.name for known_rule in loaded.rules]
        hint = did_you_mean(rule, names) or f"it has {', '.join(names[:20])}"
        raise click.UsageError(f"{ruleset} has no rule {rule!r}; {hint}")
    say_now(known, loaded.terms)
    explained = loaded.evaluate(known.snapshot, known.transfer, known.workload, known.node).explain()
    chosen = explained.rules if rule is None else (explained.rule(rule),)
    if format_ == "json":
        write(report_json({"rules": [entry.to_dict() for entry in chosen]}))
    else:
        write(draw(chosen))
    return 0
