"""Fields that rules read and that no snapshot of a recording has: their conditions are never known."""

from collections.abc import Iterator

from gpurules.backends.facts import Facts, read
from gpurules.engine.effects.events import fields_read, readers_of
from gpurules.fields import AMBIENT
from gpurules.fields.reasons import why_missing
from gpurules.model import Snapshot
from gpurules.rules.ruleset import Ruleset

NO_METRICS = "the recording is not Prometheus text, and has no value of it"


class UnseenFields:
    """The facts of GPUs and of the node that rules read, without those that have had a value."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._left = [field for field in fields_read(ruleset) if field.scope in AMBIENT]
        self._reasons: dict[str, str] = {}

    def look(self, facts: Facts, snapshot: Snapshot) -> None:
        """Remove the fields that have a value in this snapshot, and keep the reasons of fed ones that have none."""
        self._left = [
            field
            for field in self._left
            if all(read(field, facts, gpu) is None for gpu in (facts.gpus if field.is_per_gpu else (None,)))
        ]
        for field in self._left:
            if field.feed is not None and (reason := why_missing(field, snapshot)):
                self._reasons[field.name] = reason

    def lines(self) -> Iterator[str]:
        """Yield a line for each remaining field, with the rules that read it."""
        for field in self._left:
            readers = readers_of(self._ruleset, field)
            if readers:
                why = f": {self._reasons.get(field.name, NO_METRICS)}" if field.feed is not None else ""
                yield f"{field.name}, read by {', '.join(readers[:5])}, is missing in every snapshot{why}"
