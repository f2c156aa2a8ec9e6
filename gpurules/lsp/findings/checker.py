"""Checks each version of an open document once: quick checks first, then the analysis."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gpurules.diagnostics import Diagnostic
from gpurules.linter import FROM_ANALYSIS, Linting, Policy, WitnessMemory, lints
from gpurules.lsp.project import Project
from gpurules.lsp.text.documents import DocumentKind, TextDocument
from gpurules.rules import Loaded, examine_again
from gpurules.ruletest import examine, facts_of_cases, vacuous_tests


class Checker:
    """Checks documents according to the project's configuration, and caches the findings of each until it changes.

    Thread-safe; no thread waits for another.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._kept: dict[str, tuple[TextDocument, tuple[Diagnostic, ...]]] = {}
        self._loaded: dict[str, tuple[TextDocument, Loaded]] = {}
        self._linting: dict[str, tuple[TextDocument, Linting]] = {}
        self._witnesses: dict[str, WitnessMemory] = {}

    def quick(self, document: TextDocument, is_wanted: Callable[[], bool]) -> tuple[Diagnostic, ...]:
        """Return the findings of *document* and its bases that need no analysis, in order of position.

        *is_wanted* is asked by the analysis that may follow.

        Raises:
            ValueError: it is a configuration that cannot be read.
        """
        return self._keep(document, tuple(self._quick(document, is_wanted)))

    def is_whole(self, document: TextDocument) -> bool:
        """Return whether the quick findings of *document* are complete."""
        settings = self._project.settings(document.path)
        is_analyzed = document.kind is DocumentKind.RULESET and not settings.is_excluded
        return not (is_analyzed and FROM_ANALYSIS & settings.policy.codes)

    def findings(self, document: TextDocument, is_wanted: Callable[[], bool]) -> tuple[Diagnostic, ...]:
        """Return all findings of a ruleset and its bases, in order of position.

        Raises:
            AbandonedError: *is_wanted* reports that no client waits for them anymore.
        """
        begun, linting = self._linting.pop(document.uri, (None, None))
        if linting is None or begun is not document:
            linting = self._begin(document, is_wanted)
        found = tuple(linting.whole())
        return self._keep(document, found) if is_wanted() else found

    def known_findings(self, document: TextDocument) -> tuple[Diagnostic, ...]:
        """Return the cached findings of *document*; none if it has changed since."""
        found = self._kept.get(document.uri)
        return found[1] if found is not None and found[0] is document else ()

    def forget(self, uri: str) -> None:
        """Drop the findings of a closed document."""
        self._kept.pop(uri, None)
        self._loaded.pop(uri, None)
        self._linting.pop(uri, None)
        self._witnesses.pop(uri, None)

    def check(self, document: TextDocument, is_wanted: Callable[[], bool]) -> Callable[[str], Sequence[Diagnostic]]:
        """Return the check for fixes of *document*: with an analysis only if that is known to have a safe fix.

        Raises:
            AbandonedError: *is_wanted* reports that no client waits anymore.
        """
        policy = replace(self._project.settings(document.path).policy, is_wanted=is_wanted)
        if not any(found.safe and found.code in FROM_ANALYSIS for found in self.known_findings(document)):
            policy = _without_analysis(policy)
        return lambda text: lints(text, document.path, None, policy)

    def _keep(self, document: TextDocument, found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
        self._kept[document.uri] = (document, found)
        return found

    def _begin(self, document: TextDocument, is_wanted: Callable[[], bool]) -> Linting:
        witnesses = self._witnesses.setdefault(document.uri, WitnessMemory())
        policy = replace(self._project.settings(document.path).policy, is_wanted=is_wanted, witnesses=witnesses)
        return Linting(self._load(document), document.text, document.path, policy)

    def _quick(self, document: TextDocument, is_wanted: Callable[[], bool]) -> Sequence[Diagnostic]:
        path = document.path
        if document.kind is DocumentKind.OTHER:
            return ()
        if document.kind is DocumentKind.CONFIGURATION:
            return self._project.check_configuration(document.text, path or "gpurules.toml")
        settings = self._project.settings(path)
        if settings.is_excluded:
            return ()
        if document.kind is DocumentKind.TEST:
            tests, ruleset, problems = examine(document.text, path or "<text>")
            wrong = facts_of_cases(tests, ruleset) if tests and ruleset else ()
            return [*problems, *(vacuous_tests(tests) if tests else ()), *wrong]
        linting = self._begin(document, is_wanted)
        self._linting[document.uri] = document, linting
        return linting.quick()

    def _load(self, document: TextDocument) -> Loaded:
        """Return *document* loaded: once, and rules that its previous version has too are taken from that."""
        known, before = self._loaded.get(document.uri, (None, None))
        if before is not None and known is document:
            return before
        previous = before.ruleset or before.sound if before is not None else None
        loaded = examine_again(document.text, document.path, previous)
        self._loaded[document.uri] = document, loaded
        return loaded


def _without_analysis(policy: Policy) -> Policy:
    return replace(policy, codes=policy.codes - FROM_ANALYSIS)
