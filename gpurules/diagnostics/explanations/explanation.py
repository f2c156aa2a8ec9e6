"""What an explanation is: a wrong text, a right one, and why."""

from dataclasses import dataclass
from enum import StrEnum
from textwrap import indent


class Form(StrEnum):
    """What the examples of an explanation are."""

    CONDITION = "condition"
    RULE = "rule"
    FILE = "file"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a code exists, with an example that causes it and one that does not.

    Examples of the form ``words`` say in prose what no text can show.
    """

    code: str
    form: Form
    avoid: str
    prefer: str
    why: str

    def ruleset(self, example: str) -> str:
        """Return the whole ruleset file that *example* stands for.

        >>> print(Explanation("GPR101", Form.CONDITION, "", "", "").ruleset("gpu_memory > 80"))
        version: 1
        name: example
        rules:
          - name: example
            condition: |
              gpu_memory > 80
            action: pause_transfer
        <BLANKLINE>
        """
        head = "version: 1\nname: example\nrules:\n"
        if self.form is Form.CONDITION:
            text = indent(example, " " * 6)
            return f"{head}  - name: example\n    condition: |\n{text}\n    action: pause_transfer\n"
        return f"{head}{indent(example, '  ')}\n" if self.form is Form.RULE else f"{example}\n"
