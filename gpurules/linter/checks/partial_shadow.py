"""GPR305: a rule that others cut off but for one region."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.language.terms.printer import spell
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import Analysis
from gpurules.linter.meaning.examples import example_of
from gpurules.linter.meaning.partial_shadows import PartiallyShadowedRule, partial_shadows
from gpurules.linter.reports.rule_pairs import at_rules, join_words

ABOUT = Code(
    code="GPR305",
    name="partial-shadow",
    severity=Severity.INFO,
    kind="between-rules",
    summary="a rule that other rules leave only one range of one fact to match in",
    needs=Need.ANALYSIS,
    form=Form.RULE,
    avoid="""\
- {name: full, condition: gpu_memory > 85, action: pause_transfer, priority: 9, stop: true}
- name: models
  condition: gpu_memory > 80 AND file_type == 'model'
  action: increase_priority
  parameters: {priority_boost: 20}""",
    prefer="""\
- {name: full, condition: gpu_memory > 85, action: pause_transfer, priority: 9, stop: true}
- name: models
  condition: 80 < max(gpu_memory) <= 85 AND file_type == 'model'
  action: increase_priority
  parameters: {priority_boost: 20}""",
    why="The remaining range appears in neither of the two conditions: `models` seems to apply to all "
    "memory above 80 %, but is evaluated only up to 85 %. This may be intended, so the finding is "
    "only a hint. A rule for a special case before the general one, such as `gpu_memory > 95` before "
    "`gpu_memory > 85`, is the usual way to write grades, and is not reported; neither are two "
    "overlapping rules with the same action if neither has `stop`.",
)


class PartialShadow:
    """A rule that others, which stop, cut off but for one range of one fact."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        if analysis is not None:
            for shadow in partial_shadows(analysis):
                yield self._found(shadow, analysis)

    def _found(self, shadow: PartiallyShadowedRule, analysis: Analysis) -> Diagnostic:
        name, others = shadow.rule.rule.name, join_words(f"`{other.rule.name}`" for other in shadow.by)
        stopping = f"one of {others}" if len(shadow.by) > 1 else others
        only = f"is evaluated only where {spell(shadow.region)}"
        return at_rules(
            ABOUT.code,
            shadow.rule,
            shadow.by,
            f"`{name}` {only}: wherever else it matches, {stopping} does and stops",
            hint="state this in its condition, give it a higher priority, or narrow what stops it",
            witness=str(shadow.found.witness),
            example=example_of(analysis, shadow.found, [shadow.rule, *shadow.by]),
        )
