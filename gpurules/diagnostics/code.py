"""What a diagnostic code is: everything that is known of one kind of finding, in one record."""

from dataclasses import dataclass
from enum import StrEnum
from textwrap import indent


class Severity(StrEnum):
    """How bad a finding is: errors stop a ruleset from loading, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Fix(StrEnum):
    """What a fix of a finding is: ``safe`` wherever it is proved to keep the meaning, or ``unsafe`` always."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Need(StrEnum):
    """What has to be known before findings of a code can be looked for."""

    SYNTAX = "syntax"
    """The files alone."""
    ANALYSIS = "analysis"
    """The analysis of all conditions together."""
    HISTORY = "history"
    """A recording (``--history``)."""
    TESTS = "tests"
    """The tests of the ruleset, and what they cover."""


class Form(StrEnum):
    """What the examples of a code are."""

    CONDITION = "condition"
    RULE = "rule"
    FILE = "file"
    WORDS = "words"
    """Prose, where no text can show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One entry of the catalogue.

    ``kind`` is the family that programs match on (``unknown-name``, ``dimension``, …); codes may share one.
    ``avoid`` and ``prefer`` are an example that causes the finding and one that does not, both in ``form``.
    ``since`` is the release that brought the code.
    Missing: ``fix`` is None where no fix is offered: the author has to decide what is meant.
    """

    code: str
    name: str
    severity: Severity
    kind: str
    summary: str
    form: Form
    avoid: str
    prefer: str
    why: str
    fix: Fix | None = None
    needs: Need = Need.SYNTAX
    since: str = "0.1"

    def ruleset(self, example: str) -> str:
        """Return the whole ruleset file that *example* is a part of."""
        head = "version: 1\nname: example\nrules:\n"
        if self.form is Form.CONDITION:
            text = indent(example, " " * 6)
            return f"{head}  - name: example\n    condition: |\n{text}\n    action: pause_transfer\n"
        return f"{head}{indent(example, '  ')}\n" if self.form is Form.RULE else f"{example}\n"
