"""Combines claims of rules in emitted code: sums of constants without intermediate rounding."""

from collections.abc import Sequence
from fractions import Fraction

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.native.program import NativeClaim, NativeProgram

MAX_EXACT = 2**53


def boosts(program: NativeProgram) -> list[NativeClaim]:
    """Return every claim on the priority."""
    return [claim for rule in program.rules for claim in rule.claims if claim.target == "priority_boost"]


def boost_range(program: NativeProgram) -> tuple[Fraction, Fraction]:
    """Return the range of the sum of boosts over all subsets of rules."""
    values = [Fraction(claim.value) for claim in boosts(program)]
    least, greatest = (sum((v for v in values if (v > 0) is wanted), Fraction(0)) for wanted in (False, True))
    return least, greatest


def are_whole(claims: Sequence[NativeClaim]) -> bool:
    """Return whether all sums of *claims* are whole numbers that a double holds exactly."""
    return (
        all(claim.value == int(claim.value) for claim in claims)
        and sum(abs(int(claim.value)) for claim in claims) <= MAX_EXACT
    )


def fraction_bits(claims: Sequence[NativeClaim]) -> int:
    """Return the number of fraction bits that hold every claim exactly.

    Raises:
        UnsupportedError: the claims are too far apart for sums of 127 bits.
    """
    bits = max(Fraction(claim.value).denominator.bit_length() - 1 for claim in claims)
    if sum(abs(Fraction(claim.value)) for claim in claims) * 2**bits >= 2**127:
        raise UnsupportedError("the boosts of increase_priority are too far apart to be added up exactly")
    return bits


def scale_claim(claim: NativeClaim, bits: int) -> tuple[int, int, bool]:
    """Return a claim times 2**bits, as two words of 64 bits and its sign."""
    whole = int(Fraction(claim.value) * 2**bits)
    return abs(whole) >> 64, abs(whole) & (2**64 - 1), whole < 0
