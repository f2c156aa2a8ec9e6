"""Optional arguments of a transfer, named as in boto3."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from gpurules.registry import did_you_mean


class MoveArguments(TypedDict, total=False):
    """The optional arguments for moving a whole object.

    ``extra_args``: boto3's ``ExtraArgs``, with the same names. ``callback``: boto3's ``Callback``, called by one thread
    at a time with the number of bytes moved since the last call; negative when a part is retried. Its exceptions end
    the transfer, and propagate.
    """

    extra_args: Mapping[str, Any] | None
    callback: Callable[[int], object] | None


_SAME = {"ExtraArgs": "extra_args", "Callback": "callback"}


def check_arguments(given: MoveArguments) -> MoveArguments:
    """Return *given*.

    Raises:
        TypeError: an argument is unknown.
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
