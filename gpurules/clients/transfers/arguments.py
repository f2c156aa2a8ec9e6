"""What a caller may say of a transfer beside what it moves, in the words of boto3."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from gpurules.registry import did_you_mean


class MoveArguments(TypedDict, total=False):
    """The further arguments of what moves a whole object.

    ``extra_args``: what boto3 calls ``ExtraArgs``, with the same names. ``callback``: what boto3 calls ``Callback``: it
    is called, by one thread at a time, with how many bytes have moved since the last call; a negative number where a
    part is tried again. Its exceptions end the transfer, and propagate.
    """

    extra_args: Mapping[str, Any] | None
    callback: Callable[[int], object] | None


_SAME = {"ExtraArgs": "extra_args", "Callback": "callback"}


def check_arguments(given: MoveArguments) -> MoveArguments:
    """Return *given*.

    Raises:
        TypeError: there is no such argument.
    """
    known = MoveArguments.__optional_keys__
    for name in given:
        if name not in known:
            same = _SAME.get(name)
            hint = (
                f"it is named {same!r} here"
                if same
                else did_you_mean(name, known) or f"one of {', '.join(sorted(known))}"
            )
            raise TypeError(f"unknown argument {name!r}; {hint}")
    return given
