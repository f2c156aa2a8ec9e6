"""GPR305: a rule that others cut off but for one region."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.language.printer import spell
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import Analysis
from gpurules.linter.meaning.examples import example_of
from gpurules.linter.meaning.partial_shadows import PartiallyShadowedRule, partial_shadows
from gpurules.linter.reports.rule_pairs import at_rules, join_words


class PartialShadow:
    """A rule that others, which stop, cut off but for one range of one fact.

    **Avoid.** ``gpu_memory > 85`` with ``stop: true``, and below it a rule on models from ``gpu_memory > 80``.
    **Prefer.** ``80 < gpu_memory <= 85`` in the condition of the second one, if that is what is meant.
    **Why.** What is left of the rule stands in none of the two conditions.
    """

    code = "GPR305"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        if analysis is not None:
            for shadow in partial_shadows(analysis):
                yield self._found(shadow, analysis)

    def _found(self, shadow: PartiallyShadowedRule, analysis: Analysis) -> Diagnostic:
        name, others = shadow.rule.rule.name, join_words(f"`{other.rule.name}`" for other in shadow.by)
        whoever = f"one of {others}" if len(shadow.by) > 1 else others
        only = f"is looked at only where {spell(shadow.region)}"
        return at_rules(
            self.code,
            shadow.rule,
            shadow.by,
            f"`{name}` {only}: wherever else it matches, {whoever} does and stops",
            hint="say so in its condition, give it a higher priority, or narrow what stops it",
            witness=str(shadow.found.witness),
            example=example_of(analysis, shadow.found, [shadow.rule, *shadow.by]),
        )
