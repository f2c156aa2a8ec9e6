"""Sets of small numbers, kept as the bits of an integer: rules, signals, the cells of a field."""

from collections.abc import Iterator


def iter_bits(mask: int) -> Iterator[int]:
    """Yield the position of each bit of *mask*, the lowest first.

    >>> list(iter_bits(0b10010))
    [1, 4]
    """
    digits = f"{mask:b}"[::-1]
    position = digits.find("1")
    while position >= 0:
        yield position
        position = digits.find("1", position + 1)
