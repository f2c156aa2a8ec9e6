"""What can be said of a rule in two rulesets."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gpurules.language.terms.printer import spell
from gpurules.proofs import Witness
from gpurules.rules import Rule, Ruleset


class ChangeKind(StrEnum):
    """How a rule, or a ruleset, changed.

    ``different`` matches where it did not and no longer where it did; ``options`` are mode, stop, cooldown, enabled and
    the GPUs that are listed; ``unproven`` conditions could not be compared to the end, and the reason is said.
    """

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    LOOSER = "looser"
    STRICTER = "stricter"
    DIFFERENT = "different"
    MOVED = "moved"
    ACTION = "action"
    OPTIONS = "options"
    UNPROVEN = "unproven"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that is not the same in both.

    Missing: ``old`` or ``new`` is None if the ruleset lacks the rule. ``gained`` is an assignment for which only
    the new rule matches, ``lost`` one at which only the old rule does; None where there is none, or none was found.
    """

    rule: str
    kinds: tuple[ChangeKind, ...]
    old: Rule | None
    new: Rule | None
    gained: Witness | None = None
    lost: Witness | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        return {
            "rule": self.rule,
            "kinds": [kind.value for kind in self.kinds],
            "old": _shown(self.old),
            "new": _shown(self.new),
            "now_matches": _witnessed(self.gained),
            "no_longer_matches": _witnessed(self.lost),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changed between two rulesets; ``settings`` are changes outside rules: settings and file types."""

    old: Ruleset
    new: Ruleset
    changes: tuple[RuleChange, ...]
    settings: tuple[str, ...] = ()

    @property
    def same(self) -> int:
        """How many rules are the same in both."""
        changed = {change.new.name for change in self.changes if change.new is not None}
        return sum(rule.name not in changed for rule in self.new.rules)

    @property
    def all(self) -> int:
        """How many rules there are in either."""
        return self.same + len(self.changes)

    @property
    def kinds(self) -> frozenset[ChangeKind]:
        """Every way in which something changed."""
        found = {kind for change in self.changes for kind in change.kinds}
        return frozenset(found | ({ChangeKind.SETTINGS} if self.settings else set()))

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        return {
            "same": self.same,
            "rules": [change.to_dict() for change in self.changes],
            "settings": list(self.settings),
        }


def meaning(rule: Rule) -> str:
    """Return the condition of *rule* with its definitions written out; as it was written where timers are in it."""
    return rule.text.strip() if rule.signal is not None else spell(rule.term)


def _shown(rule: Rule | None) -> Mapping[str, object] | None:
    if rule is None:
        return None
    return {
        "name": rule.name,
        "condition": rule.text,
        "means": meaning(rule),
        "priority": rule.priority,
        "actions": [action.to_dict() for action in rule.actions],
    }


def _witnessed(witness: Witness | None) -> Mapping[str, object] | None:
    return None if witness is None else {"text": str(witness), **witness.to_dict()}
