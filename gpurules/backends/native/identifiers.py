"""C and Go identifiers for the names of rules, signals and fields: readable and unique."""

import re

_WORD = re.compile(r"[A-Za-z0-9]+")
_CAPITALS = {
    **{word: word.upper() for word in ("gpu", "id", "uuid", "io", "sm", "xid", "ecc", "mig")},
    "gpus": "GPUs",
    "pcie": "PCIe",
    "nvlink": "NVLink",
}


def snake(name: str) -> str:
    """Return *name* in snake case.

    >>> snake("Delay on-heat!")
    'delay_on_heat'
    """
    return "_".join(word.lower() for word in _WORD.findall(name)) or "x"


def camel(name: str) -> str:
    """Return *name* as an exported Go identifier.

    >>> camel("io_throughput")
    'IOThroughput'
    """
    words = [word for part in _WORD.findall(name) for word in part.split("_")]
    return "".join(_CAPITALS.get(word.lower(), word[:1].upper() + word[1:]) for word in words) or "X"


def lower_camel(name: str) -> str:
    """Return *name* as an unexported Go identifier.

    >>> lower_camel("number_above")
    'numberAbove'
    """
    first, _, rest = snake(name).partition("_")
    return first + (camel(rest) if rest else "")


class Identifiers:
    """Allocates unique identifiers: a name that is taken gets a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, wanted: str) -> str:
        """Return *wanted*, with a number appended if the name is taken."""
        number, found = 2, wanted
        while found.lower() in self._taken:
            found, number = f"{wanted}_{number}", number + 1
        self._taken.add(found.lower())
        return found
