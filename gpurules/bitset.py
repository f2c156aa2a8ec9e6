"""Sets of small numbers, kept as the bits of an integer: rules, signals, the cells of a field."""

from collections.abc import Iterable, Iterator


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


def mask_of(positions: Iterable[int], width: int) -> int:
    """Return the mask of *positions*, all below *width*.

    >>> bin(mask_of([1, 4], 5))
    '0b10010'
    """
    bits = bytearray(width // 8 + 1)
    for position in positions:
        bits[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(bits, "little")
