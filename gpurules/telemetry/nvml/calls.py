"""Descriptions of NVML calls: the GPU attributes that they provide, and how to make them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gpurules.telemetry.nvml.library import Handle, Library

Value: TypeAlias = int | float | bool | str | None
Read: TypeAlias = Callable[[Library, Handle], Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class NvmlCall:
    """A call, and the GPU attributes that it provides."""

    attributes: tuple[str, ...]
    read: Read


def number(attribute: str, function: str, *arguments: int, times: int = 1, over: int = 1) -> NvmlCall:
    """Return the call of *function* that provides the number *attribute*, scaled by *times* or *over*."""

    def read(library: Library, handle: Handle) -> Mapping[str, Value]:
        value = library.ask(function, handle, *arguments)
        return {attribute: value * times if over == 1 else value / over}

    return NvmlCall((attribute,), read)
