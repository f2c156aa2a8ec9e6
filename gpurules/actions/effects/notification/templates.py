"""Texts with placeholders: ``{gpu_memory}`` reads ``93.4 %``, ``{gpu_memory:.0f}`` 93, ``{count:bytes}`` 78.7 GiB."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gpurules.model import Dimension, format_reading
from gpurules.model.units import SYMBOLS

EVENT_NAMES = ("rule", "devices", "edge", "host", "joined", "left", "timestamp", "started")
"""What a placeholder may name beside fields, signals and defines."""
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_DIGITS = re.compile(r"\.([0-9])f")
_NO_DIMENSIONS: Mapping[str, Dimension] = MappingProxyType({})
_WORDS = {
    Dimension.PERCENT: ("%", "percent"), Dimension.BYTES: ("B", "bytes"), Dimension.BYTES_PER_SECOND: ("B/s",),
    Dimension.SECONDS: ("s", "seconds"), Dimension.CELSIUS: ("C", "°C", "degrees", "celsius"),
    Dimension.WATTS: ("W", "watts"), Dimension.JOULES: ("J", "joules"), Dimension.HERTZ: ("Hz", "hertz"),
    Dimension.NONE: (),
}  # fmt: skip
_UNIT_BEHIND = {
    dimension: re.compile(rf"\s*(?:{'|'.join(map(re.escape, words))})(?![\w/])")
    for dimension, words in _WORDS.items()
    if words
}


def placeholders(template: str) -> tuple[tuple[int, str], ...]:
    """Return where each placeholder of *template* names something, and what; a format that is unknown is left on it.

    >>> placeholders("GPU at {gpu_temperature:.0f}, {{not this}}, {gpu_power:x}")
    ((8, 'gpu_temperature'), (45, 'gpu_power:x'))
    """
    return tuple(
        (found.start(1), _parted(found[1])[0]) for found in _PLACEHOLDER.finditer(template) if found[1] is not None
    )


def template_texts(value: object) -> Iterator[str]:
    """Yield every text in a parameter, which may be nested."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from template_texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from template_texts(one)


def lone_placeholder(template: str) -> str | None:
    """Return what *template* names if it is one placeholder and nothing else, without a format.

    >>> lone_placeholder("{gpu_power}"), lone_placeholder("{gpu_power:.0f}"), lone_placeholder("at {gpu_power}")
    ('gpu_power', None, None)
    """
    found = _PLACEHOLDER.fullmatch(template)
    if found is None or found[1] is None:
        return None
    name, form = _parted(found[1])
    return None if form else name


def fill_template(
    template: str, values: Mapping[str, object], dimensions: Mapping[str, Dimension] = _NO_DIMENSIONS
) -> str:
    """Return *template* with its placeholders filled in; what has no value is ``missing``, and a list has commas.

    A number of *dimensions* is written with its unit, rounded; where the template has its unit behind the placeholder,
    without it, in that unit.

    >>> fill_template("GPU at {gpu_temperature} {{C}}, {gpu_power}", {"gpu_temperature": 91})
    'GPU at 91 {C}, missing'
    >>> fill_template("{used}, {used} B, {used:.1f}", {"used": 2048}, {"used": Dimension.BYTES})
    '2 KiB, 2048 B, 2048.0'
    """

    def fill(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        name, form = _parted(found[1])
        value, dimension = values.get(name), dimensions.get(name, Dimension.NONE)
        unit = _UNIT_BEHIND.get(dimension)
        is_unit_behind = unit is not None and unit.match(template, found.end()) is not None
        items = value if isinstance(value, list | tuple) else (value,)
        return ", ".join(_shown(item, form, dimension, is_unit_behind) for item in items)

    return _PLACEHOLDER.sub(fill, template)


def _shown(value: object, form: str, dimension: Dimension, is_unit_behind: bool) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _written(value)
    if digits := _DIGITS.fullmatch(form):
        return f"{value:.{digits[1]}f}"
    if form:
        return format_reading(value, Dimension(form))
    if is_unit_behind:
        return _number(value)
    return _written(value) if dimension is Dimension.NONE else format_reading(value, dimension)


def _parted(text: str) -> tuple[str, str]:
    """Return the name and the format of a placeholder; all of it as the name where the format is unknown."""
    name, _, form = text.partition(":")
    is_known = _DIGITS.fullmatch(form) or form in SYMBOLS
    return (name, form) if is_known else (text, "")


def _number(value: float) -> str:
    """Return *value* without a unit, rounded as a reading is."""
    return str(value) if isinstance(value, int) else format_reading(value, Dimension.PERCENT).removesuffix(" %")


def _written(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(_written(item) for item in value)
    return str(value)
