"""What a target of directives is: one thing that a decision says."""

from collections.abc import Callable
from dataclasses import dataclass

from gpurules.model.reading import finite


def read_number(neutral: float | None) -> Callable[[object], float | None]:
    """Return the function that reads a number, and anything else as *neutral*."""

    def read(value: object) -> float | None:
        number = finite(value)
        return neutral if number is None else number

    return read


def read_count(value: object) -> int | None:
    """Return a count, None where *value* is not one."""
    number = finite(value)
    return None if number is None else int(number)


def read_flag(value: object) -> bool:
    """Return whether *value* is True."""
    return value is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that a decision says.

    ``name`` is the attribute of the decision and the key of its JSON; ``label`` is the word for it in tables.
    ``read`` takes what a directive combined claims to, whatever a plug-in returned, and gives what the decision says;
    ``describe`` puts a value that is not neutral into words.
    ``per_rule``: the governor needs the value of each rule, as each makes a hold or a cap of its own.
    ``governed``: the governor carries it out for every client that asks it for its parts.
    ``of_transfer``, ``of_node``: a change of it concerns a transfer by itself, all transfers alike, or both.
    """

    name: str
    label: str
    neutral: object
    read: Callable[[object], object]
    describe: Callable[[object], str]
    per_rule: bool = False
    governed: bool = True
    of_transfer: bool = True
    of_node: bool = False
