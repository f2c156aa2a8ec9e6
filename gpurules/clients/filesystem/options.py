"""The options of gpurules in the storage options of a URL, and in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from gpurules.model.units import Dimension, QuantityError, parse_amount

MIB = 1024**2
_BYTES = ("block_size", "staging_quota")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """The options of ``gpurules::`` URLs; each can be set in the environment as ``GPURULES_<OPTION>``.

    ``blocks_ahead``: the number of blocks of an open file to prefetch, which rules may reduce.

    Units: ``block_size`` and ``staging_quota`` in bytes.
    Missing: ``ruleset`` None: that of the governor in ``use``, else ``gpurules:default``; ``source`` None: ``auto``;
    ``workload`` (the id of the files' workload) and ``priority`` None: unknown; ``staging`` (a directory) None: nothing
    is staged.
    """

    ruleset: str | None = None
    source: str | None = None
    workload: str | None = None
    priority: float | None = None
    block_size: int = 8 * MIB
    blocks_ahead: int = 4
    staging: str | None = None
    staging_quota: int = 100 * 1024 * MIB

    @classmethod
    def split(cls, storage_options: Mapping[str, object]) -> tuple[Self, dict[str, object]]:
        """Return gpurules' options, and the rest, which belongs to the underlying filesystem.

        Raises:
            ValueError: the value of an option is invalid.
        """
        names = {field.name for field in fields(cls)}
        said = {name: value for name in names if (value := os.environ.get(f"GPURULES_{name.upper()}"))}
        given = {name: value for name, value in storage_options.items() if name in names and value is not None}
        rest = {name: value for name, value in storage_options.items() if name not in names}
        values = {name: _value(name, value) for name, value in {**said, **given}.items()}
        return cls(**values), rest  # type: ignore[arg-type]


def _value(name: str, value: object) -> object:
    """Convert *value* to the type of the option *name*.

    Raises:
        ValueError: it is invalid.
    """
    match name:
        case "priority":
            return _number(name, value)
        case "block_size" | "staging_quota" | "blocks_ahead":
            number = int(_bytes(name, value) if name in _BYTES else _number(name, value))
            least = 0 if name == "blocks_ahead" else 1
            if number < least:
                raise ValueError(f"{name!r} must be at least {least}, not {value!r}")
            return number
        case _:
            return os.fspath(value) if isinstance(value, str | os.PathLike) else str(value)


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"{name!r} must be a number, not {value!r}") from None


def _bytes(name: str, value: object) -> float:
    if not isinstance(value, str):
        return _number(name, value)
    try:
        amount = parse_amount(value)
    except QuantityError as error:
        raise ValueError(f"{name!r} must be a number of bytes: {error}") from None
    if amount.dimension not in (Dimension.NONE, Dimension.BYTES):
        raise ValueError(f"{name!r} must be a number of bytes, such as 8MiB, not {value!r}")
    return float(amount.value)
