"""The findings in an editor after each edit are those of a fresh lint of the text: none stale, none lost."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pygls", reason="the language server needs the extra lsp")

from gpurules.cli.explain.live_facts import LiveFacts
from gpurules.cli.project.editor import EditorProject
from gpurules.diagnostics import CATALOGUE
from gpurules.linter import FROM_ANALYSIS, Policy, lints
from gpurules.lsp.findings.checker import Checker
from gpurules.lsp.project import DocumentSettings
from gpurules.lsp.text.documents import Documents
from tests.cases import examples
from tests.property.test_incremental_loading import TEXT, edits

RICH = """version: 1
name: rich
define:
  full: gpu_memory > 95
signals:
  pressure: {condition: gpu_memory > 80}
rules:
  - {name: all, condition: gpu_memory > 70, action: reduce_prefetch, parameters: {reduction_factor: 0.9}}
  - name: some
    condition: gpu_memory > 90 AND transfer_size > 5000000
    action: reduce_prefetch
    parameters: {reduction_factor: 0.5}
  - {name: never, condition: gpu_memory > 90 AND gpu_memory < 10, action: log, cooldown: 1m}
  - {name: never_either, condition: full AND gpu_memory < 95, action: log, cooldown: 1m}
  - {name: always, condition: gpu_memory >= 0 OR gpu_memory < 5, action: log, cooldown: 1m}
  - {name: low, condition: 10 < gpu_utilization <= 20, action: increase_priority, parameters: {priority_boost: 5}}
  - {name: high, condition: 21 < gpu_utilization < 40, action: increase_priority, parameters: {priority_boost: 9}}
  - {name: again, condition: gpu_memory > 90 AND gpu_memory > 80, action: pause_transfer}
  - {name: mixed, condition: pressure OR active_training AND gpu_temperature == 80.5, action: pause_transfer}
  - {name: twice, condition: NOT NOT (gpu_memory > 0.9), until: gpu_memory < 95, action: pause_transfer}
  - {name: feeds, condition: pending_transfers > 20, action: pause_transfer, stop: true, priority: 5}
  - {name: fed, condition: pending_transfers > 30, action: pause_transfer}
  - {name: twin, condition: gpu_memory > 70, action: reduce_prefetch, parameters: {reduction_factor: 0.9}}
"""
URI = "file:///here/edited.rules.yaml"


@st.composite
def histories(draw: st.DrawFn) -> list[str]:
    """Draw a text and what it was edited to, step by step; sometimes an edit is undone."""
    texts = [draw(st.sampled_from([TEXT, RICH, RICH]))]
    for _ in range(draw(st.integers(1, 5))):
        texts.append(draw(edits(texts[-1])) if draw(st.integers(0, 4)) else draw(st.sampled_from(texts)))
    return texts


class Settings(EditorProject):
    """A project in which the files have one policy."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(LiveFacts({}))
        self.policy = policy

    def settings(self, path: str | None) -> DocumentSettings:
        return DocumentSettings(self.policy)


POLICIES = (Policy(), Policy(frozenset(CATALOGUE)))


@settings(max_examples=examples(40))
@given(histories(), st.sampled_from(POLICIES), st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_findings_after_each_edit_are_those_of_a_fresh_lint(
    texts: list[str], policy: Policy, is_analyzed: list[bool]
) -> None:
    documents, checker = Documents(), Checker(Settings(policy))
    for version, text in enumerate(texts):
        document = documents.put(URI, text, version)
        at_once = replace(policy, codes=policy.codes - FROM_ANALYSIS)
        assert list(checker.quick(document, lambda: True)) == lints(text, document.path, policy=at_once)
        if is_analyzed[version]:  # the next keystroke may come before the analysis
            assert list(checker.findings(document, lambda: True)) == lints(text, document.path, policy=policy)
            assert checker.known_findings(document) == checker.findings(document, lambda: True)


def test_an_analysis_that_was_given_up_leaves_the_next_one_whole() -> None:
    documents, checker = Documents(), Checker(Settings(Policy()))
    first = documents.put(URI, RICH, 0)
    checker.quick(first, lambda: False)
    with pytest.raises(Exception, match="no client is waiting"):
        checker.findings(first, lambda: False)
    text = RICH.replace("gpu_memory > 70", "gpu_memory > 60")
    second = documents.put(URI, text, 1)
    checker.quick(second, lambda: True)
    found = checker.findings(second, lambda: True)
    assert list(found) == lints(text, second.path)
    assert {"GPR201", "GPR303"} <= {one.code for one in found}
