"""Dimensions, units and quantities: the one home of every unit.

In the model every quantity is in the canonical unit of its dimension: percent 0..100, bytes, bytes/second, seconds,
celsius, watts, joules, hertz.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

from gpurules.errors import GpurulesError
from gpurules.records import Record, record


class Dimension(StrEnum):
    """What a number measures; ``NONE`` is a bare number."""

    NONE = "number"
    PERCENT = "percent"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes/second"
    SECONDS = "seconds"
    CELSIUS = "celsius"
    WATTS = "watts"
    JOULES = "joules"
    HERTZ = "hertz"


@record
class Unit(Record):
    """A unit: ``numerator / denominator`` canonical units of ``dimension``."""

    name: str
    dimension: Dimension
    numerator: int
    denominator: int = 1


_BINARY = [
    unit
    for power, letter in enumerate("KMGTP", start=1)
    for unit in (
        Unit(f"{letter}B", Dimension.BYTES, 1024**power),
        Unit(f"{letter}iB", Dimension.BYTES, 1024**power),
    )
]
_BYTES = [Unit("B", Dimension.BYTES, 1), *_BINARY]
_BITS = [Unit(f"{prefix}bit", Dimension.BYTES, 1000**power, 8) for power, prefix in enumerate("kMGT", start=1)]

UNITS: dict[str, Unit] = {
    unit.name: unit
    for unit in (
        Unit("%", Dimension.PERCENT, 1),
        *_BYTES,
        *_BITS,
        *(Unit(f"{u.name}/s", Dimension.BYTES_PER_SECOND, u.numerator, u.denominator) for u in (*_BYTES, *_BITS)),
        *(
            Unit(f"{prefix}bps", Dimension.BYTES_PER_SECOND, 1000**power, 8)
            for power, prefix in enumerate("kMGT", start=1)
        ),
        Unit("us", Dimension.SECONDS, 1, 1_000_000),
        Unit("ms", Dimension.SECONDS, 1, 1_000),
        Unit("s", Dimension.SECONDS, 1),
        Unit("m", Dimension.SECONDS, 60),
        Unit("h", Dimension.SECONDS, 3_600),
        Unit("d", Dimension.SECONDS, 86_400),
        Unit("C", Dimension.CELSIUS, 1),
        Unit("°C", Dimension.CELSIUS, 1),
        Unit("mW", Dimension.WATTS, 1, 1_000),
        Unit("W", Dimension.WATTS, 1),
        Unit("kW", Dimension.WATTS, 1_000),
        Unit("J", Dimension.JOULES, 1),
        Unit("kJ", Dimension.JOULES, 1_000),
        Unit("MJ", Dimension.JOULES, 1_000_000),
        Unit("Hz", Dimension.HERTZ, 1),
        Unit("kHz", Dimension.HERTZ, 1_000),
        Unit("MHz", Dimension.HERTZ, 1_000_000),
        Unit("GHz", Dimension.HERTZ, 1_000_000_000),
    )
}
"""Every unit by its spelling."""

_MISSPELLED = {
    "min": "m", "mins": "m", "minute": "m", "minutes": "m", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d", "msec": "ms", "usec": "us", "µs": "us",
    "c": "C", "degC": "C", "w": "W", "KW": "kW", "MW": "kW", "j": "J", "mJ": "J", "hz": "Hz",
    "percent": "%", "pct": "%", "EB": "PB", "EiB": "PiB", "k": "KB", "M": "MB", "G": "GB", "T": "TB",
    "Kbit": "kbit", "ns": "us",
}  # fmt: skip
_WITHOUT_PREFIX = {
    "b": "write B for bytes; units of bits start at kbit",
    "b/s": "write B/s for bytes; units of bits start at kbit/s",
    "bps": "write kbps for thousands of bits per second, or B/s for bytes",
    "K": "write KB for kilobytes; temperatures are in celsius, C",
}
_DATA = re.compile(r"([kmgtp])(i?)(b|bytes?|bits?)(ps|/s(?:ec)?|)", re.IGNORECASE)
_KEYWORD = re.compile(r"(.*?)(AND|OR|NOT)", re.IGNORECASE)
_FAHRENHEIT = frozenset({"F", "°F", "degF"})

MAX_INTEGER = 2**63 - 1
"""The largest integer that stays exact; larger ones become IEEE doubles."""


class QuantityError(GpurulesError):
    """A text is not a quantity; ``limit`` says that it is one, but beyond every bound.

    ``meant`` is the quantity that can only be meant, where a unit is merely misspelled or has to be converted.
    """

    def __init__(self, message: str, hint: str | None = None, limit: bool = False, meant: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.limit = limit
        self.meant = meant


@record
class Amount(Record):
    """A number in the canonical unit of its dimension."""

    value: int | float
    dimension: Dimension


_NUMBER = re.compile(r"(\d+(?:_\d+)*)(?:\.(\d+(?:_\d+)*))?(?:[eE]([+-]?\d+))?", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]+)", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_TIME_UNITS = ("d", "h", "m", "s", "ms", "us")


def _in_case(name: str) -> str | None:
    """Return the one unit that *name* is but for its case, or None."""
    return None if name in _MISSPELLED else {unit.lower(): unit for unit in UNITS}.get(name.lower())


def _of_data(found: re.Match[str]) -> tuple[str, str | None]:
    """Return advice on a misspelled unit of bytes or bits, and the one unit that it can mean.

    ``B`` is bytes and ``bit`` bits; a ``b``, or all capitals before ``PS``, may be either, which is a factor of eight.
    """
    letter, binary, noun, rate = found[1].upper(), found[2].lower(), found[3], found[4].lower()
    per = "/s" if rate else ""
    in_bytes = f"{letter}{binary}B{per}"
    in_bits = f"{'k' if letter == 'K' else letter}bit{per}"
    is_loud = noun == "B" and found[4] == "PS"
    is_quiet = noun == "b" and not (binary and found[0].islower())
    is_short = noun == "B" and not binary and not rate and found[1].islower()
    if letter == "P" and (is_quiet or noun.lower().startswith("bit")):
        return f"write {in_bytes} for petabytes; bits go up to Tbit{per}", None
    if noun.lower().startswith("bit"):
        return f"write {in_bits}", in_bits
    if noun == "b" and found[4] == "ps" and not binary and found[1].isupper():
        return _cased(f"{in_bits[0]}bps")
    if letter != "P" and (is_loud or is_quiet or is_short):
        words = {"K": "kilo", "M": "mega", "G": "giga", "T": "tera"}[letter]
        return f"write {in_bytes} for {words}bytes or {in_bits} for {words}bits", None
    return _cased(in_bytes) if in_bytes.lower() == found[0].lower() else (f"write {in_bytes}", in_bytes)


def _cased(unit: str) -> tuple[str, str]:
    return f"units are case-sensitive: write {unit}", unit


def _advice(name: str) -> tuple[str, str | None]:
    """Return advice on the unit that *name* may have meant, and that unit where it can be only one."""
    if (data := _DATA.fullmatch(name)) is not None:
        return _of_data(data)
    if name in _WITHOUT_PREFIX:
        return _WITHOUT_PREFIX[name], None
    joined = _KEYWORD.fullmatch(name)
    if joined is not None and (not joined[1] or joined[1] in UNITS):
        return f"{joined[2]} is not a unit: write a space before it", None
    if name == "Bps":
        return "write B/s", "B/s"
    if name in _MISSPELLED:
        return f"the nearest unit is {_MISSPELLED[name]}", None
    if (unit := _in_case(name)) is not None:
        return _cased(unit)
    from gpurules.registry import nearest

    close = nearest(name, UNITS)
    known = "known units: %, B KB MB GB TB PB, kbit Mbit Gbit, /s, us ms s m h d, C, W, J, Hz"
    return (f"the nearest unit is {close[0]}" if close else known), None


def nearest_unit(name: str) -> str:
    """Return advice on the unit that *name* may have meant.

    >>> nearest_unit("mb")
    'write MB for megabytes or Mbit for megabits'
    """
    return _advice(name)[0]


def _no_unit(text: str, name: str) -> QuantityError:
    """Return the error for *text*, which ends with *name* where a unit should stand."""
    number = text.removesuffix(name)
    if name in _FAHRENHEIT:
        celsius = f"{round((float(number) - 32) / 1.8, 1):g}C"
        return QuantityError(
            f"{name!r} is not a unit", f"{text} is {celsius}: temperatures are in celsius", meant=celsius
        )
    hint, unit = _advice(name)
    return QuantityError(f"{name!r} is not a unit", hint, meant=None if unit is None else number + unit)


def _scaled(whole: str, fraction: str, exponent: int, unit: Unit | None) -> int | float:
    """Return the number, exactly rounded: integers stay integers while they fit."""
    if len(whole) + len(fraction) > 400 or abs(exponent) > 400:
        raise QuantityError("the number has too many digits", "numbers go up to 1.8e308", limit=True)
    mantissa = int(whole + fraction)
    power = exponent - len(fraction)
    numerator: int = mantissa * (unit.numerator if unit else 1) * 10 ** max(power, 0)
    denominator: int = (unit.denominator if unit else 1) * 10 ** max(-power, 0)
    if numerator % denominator == 0 and numerator // denominator <= MAX_INTEGER:
        return numerator // denominator
    try:
        return numerator / denominator
    except OverflowError:
        raise QuantityError("the number is too large", "numbers go up to 1.8e308", limit=True) from None


@lru_cache(maxsize=1024)
def parse_amount(text: str) -> Amount:
    """Return the quantity that *text* spells: a number, a number with a unit, a compound duration or a clock time.

    >>> parse_amount("100MB")
    Amount(value=104857600, dimension=<Dimension.BYTES: 'bytes'>)
    >>> parse_amount("1h30m").value
    5400

    Raises:
        QuantityError: *text* is none of these; the hint names the nearest unit.
    """
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours, minutes = int(clock[1]), int(clock[2])
        if hours > 24 or minutes > 59 or (hours == 24 and minutes):
            raise QuantityError(f"{text!r} is not a time of day", "clock times go from 00:00 to 24:00")
        return Amount(hours * 3600 + minutes * 60, Dimension.SECONDS)
    match = _NUMBER.match(text)
    if match is None:
        raise QuantityError(f"{text!r} is not a number")
    rest = text[match.end() :]
    whole, fraction = match[1].replace("_", ""), (match[2] or "").replace("_", "")
    exponent_text = match[3] or "0"
    if len(exponent_text) > 5:
        raise QuantityError("the number is too large", "numbers go up to 1.8e308", limit=True)
    exponent = int(exponent_text)
    if not rest:
        return Amount(_scaled(whole, fraction, exponent, None), Dimension.NONE)
    unit = UNITS.get(rest)
    if unit is not None:
        return Amount(_scaled(whole, fraction, exponent, unit), unit.dimension)
    if rest[-1:].isalpha() and any(c.isdigit() for c in rest):
        compound = _compound(text)
        if compound is not None:
            return compound
    raise _no_unit(text, rest)


def _compound(text: str) -> Amount | None:
    """Return the duration that *text* spells in falling units, None where it is not a compound at all."""
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text or any(unit not in _TIME_UNITS for _, unit in parts):
        return None
    order = [_TIME_UNITS.index(unit) for _, unit in parts]
    if order != sorted(set(order)):
        fallen = "".join(n + u for n, u in sorted(parts, key=lambda p: _TIME_UNITS.index(p[1])))
        raise QuantityError(f"the units of {text!r} must decrease", f"write {fallen}")
    total: int | float = 0
    for number, unit in parts:
        whole, _, fraction = number.partition(".")
        total += _scaled(whole, fraction, 0, UNITS[unit])
    return Amount(total, Dimension.SECONDS)


_PRODUCTS = {
    (Dimension.BYTES_PER_SECOND, Dimension.SECONDS): Dimension.BYTES,
    (Dimension.WATTS, Dimension.SECONDS): Dimension.JOULES,
}
_QUOTIENTS = {
    (Dimension.BYTES, Dimension.BYTES_PER_SECOND): Dimension.SECONDS,
    (Dimension.BYTES, Dimension.SECONDS): Dimension.BYTES_PER_SECOND,
    (Dimension.JOULES, Dimension.SECONDS): Dimension.WATTS,
    (Dimension.JOULES, Dimension.WATTS): Dimension.SECONDS,
}


def product(left: Dimension, right: Dimension) -> Dimension | None:
    """Return the dimension of a product, None where it has none in the language."""
    if left is Dimension.NONE:
        return right
    if right is Dimension.NONE:
        return left
    return _PRODUCTS.get((left, right)) or _PRODUCTS.get((right, left))


def quotient(left: Dimension, right: Dimension) -> Dimension | None:
    """Return the dimension of a quotient, None where it has none in the language."""
    if right is Dimension.NONE:
        return left
    if left is right:
        return Dimension.NONE
    return _QUOTIENTS.get((left, right))


def _trimmed(value: float, digits: int = 2) -> str:
    """Return *value* rounded to *digits* after the point; a number that would round to 0 keeps two that count."""
    text = f"{value:,.{digits}f}" if abs(value) < 1e15 else f"{value:.6g}"
    if value and not text.strip("-0."):
        text = f"{value:.2g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _in_steps(value: float, steps: tuple[tuple[str, float], ...], digits: int) -> str:
    for name, size in steps:
        if abs(value) >= size:
            return f"{_trimmed(value / size, digits)}{name}"
    name, size = steps[-1]
    return f"{_trimmed(value / size, digits)}{name}"


_BYTE_STEPS = (*((f" {p}iB", 1024.0**n) for n, p in zip(range(5, 0, -1), "PTGMK")), (" B", 1.0))


def format_duration(seconds: float, digits: int = 2) -> str:
    """Return a duration for people: ``11 m 15 s``, ``30 s``, ``250 ms``; *digits* after the point are for the last."""
    if abs(seconds) < 1:
        return f"{_trimmed(seconds * 1000, digits)} ms" if seconds else "0 s"
    if abs(seconds) < 60:
        return f"{_trimmed(seconds, digits)} s"
    sign, rest = ("-" if seconds < 0 else ""), round(abs(seconds))
    days, rest = divmod(rest, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{n} {u}" for n, u in ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")) if n]
    return sign + " ".join(parts[:2])


def format_amount(value: float, dimension: Dimension, digits: int = 2) -> str:
    """Return *value*, in the canonical unit of *dimension*, for people to read, with *digits* after the point.

    >>> format_amount(104857600, Dimension.BYTES)
    '100 MiB'
    >>> format_amount(81.25, Dimension.PERCENT)
    '81.25 %'
    """
    match dimension:
        case Dimension.BYTES:
            return _in_steps(value, _BYTE_STEPS, digits)
        case Dimension.BYTES_PER_SECOND:
            return _in_steps(value, _BYTE_STEPS, digits) + "/s"
        case Dimension.SECONDS:
            return format_duration(value, digits)
        case Dimension.HERTZ:
            return _in_steps(value, ((" GHz", 1e9), (" MHz", 1e6), (" kHz", 1e3), (" Hz", 1.0)), digits)
        case Dimension.PERCENT:
            return f"{_trimmed(value, digits)} %"
        case Dimension.CELSIUS:
            return f"{_trimmed(value, digits)} C"
        case Dimension.WATTS:
            return f"{_trimmed(value, digits)} W"
        case Dimension.JOULES:
            return f"{_trimmed(value, digits)} J"
        case Dimension.NONE:
            return _trimmed(value, digits)


def format_reading(value: float, dimension: Dimension, beside: Iterable[float] = ()) -> str:
    """Return a measured *value* for people to read: one digit after the point, two of a bare number.

    It keeps more where it would read like one of *beside*, the limits that it is compared with, and is another.

    >>> format_reading(93.40967888277198, Dimension.PERCENT), format_reading(80.04, Dimension.PERCENT, [80])
    ('93.4 %', '80.04 %')
    """
    others = [other for other in beside if other != value]
    for digits in range(2 if dimension is Dimension.NONE else 1, 16):
        text = format_amount(value, dimension, digits)
        if all(format_amount(other, dimension, digits) != text for other in others):
            return text
    return f"{value!r}{SYMBOLS[dimension]}"


SYMBOLS: Mapping[Dimension, str] = {
    Dimension.PERCENT: " %", Dimension.BYTES: " B", Dimension.BYTES_PER_SECOND: " B/s", Dimension.SECONDS: " s",
    Dimension.CELSIUS: " C", Dimension.WATTS: " W", Dimension.JOULES: " J", Dimension.HERTZ: " Hz",
    Dimension.NONE: "",
}  # fmt: skip
"""What stands behind a number in the canonical unit of its dimension."""
