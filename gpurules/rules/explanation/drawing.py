"""Draws explanations: the condition as a tree, with the value of each part on each GPU."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from gpurules.actions.explained import ExplainedPart, ExplainedRule
from gpurules.diagnostics.excerpt import MAX_WIDTH, columns_of, excerpt, visible
from gpurules.language.terms import ir
from gpurules.model import GPUIndex, Kind, Value, format_reading
from gpurules.model.datatypes import Datatype


class Tone(Enum):
    """The meaning of a word, for drawing in color."""

    HEAD = auto()
    GOOD = auto()
    BAD = auto()
    WARN = auto()


Paint: TypeAlias = Callable[[str, Tone], str]


def plain(text: str, tone: Tone) -> str:
    """Return *text* as it is, without regard to its *tone*."""
    return text


class Sheet(NamedTuple):
    """What is drawn on.

    Units: ``width`` in columns.
    """

    width: int = MAX_WIDTH
    paint: Paint = plain


PLAIN = Sheet()
"""Without a terminal: as wide as a line may be, without color."""
_MARKS = {True: "✓", False: "✗", None: "?"}
_TONES = {True: Tone.GOOD, False: Tone.BAD, None: Tone.WARN}
_OUTCOMES = {
    "match": "matched",
    "no-match": "did not match",
    "unknown": "is unknown, so it did not match",
    "suppressed": "was suppressed",
}
Row = tuple[str, ExplainedPart]


def draw(explained: ExplainedRule, sheet: Sheet = PLAIN) -> str:
    """Return why one rule did or did not match, and what would change that, for people."""
    return with_nearest(explained, f"Nearest: {explained.nearest}." if explained.nearest else None, sheet)


def with_nearest(explained: ExplainedRule, nearest: str | None, sheet: Sheet = PLAIN) -> str:
    """Return why one rule did or did not match, and *nearest*, a change that would do, if there is one."""
    on = f" on GPU {', '.join(map(str, explained.devices))}" if explained.devices else ""
    because = f" ({explained.because})" if explained.because else ""
    style = Tone.GOOD if explained.outcome == "match" else Tone.HEAD
    lines = [f"{sheet.paint(visible(explained.rule), style)} {_OUTCOMES[explained.outcome]}{on}{because}"]
    if explained.condition is not None:
        lines += ["", *tree(explained.condition, sheet)]
    notes = [explained.reason.strip()] if explained.reason.strip() else []
    notes += [nearest] if nearest else []
    notes += [f"{text}." for text in explained.unreported]
    lines += (
        ["", *(f"  {line}" for text in notes for line in wrap_text(visible(text), sheet.width - 2))] if notes else []
    )
    return "\n".join(lines)


def wrap_text(text: str, width: int) -> list[str]:
    """Return *text* as lines of at most *width* columns, but for words that are longer."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def tree(condition: ExplainedPart, sheet: Sheet = PLAIN) -> list[str]:
    """Return the lines of a condition and its parts, with a column for each GPU that it was evaluated on."""
    width = sheet.width
    rows = list(_rows(condition, "", ""))
    devices = next((part.devices for _, part in rows if part.devices), ())
    cells = [[_cells(part, devices, sheet.paint)[n] for _, part in rows] for n in range(max(1, len(devices)))]
    widths = [
        max(columns_of(text) for text in [_head(devices, n), *(bare for bare, _ in column)])
        for n, column in enumerate(cells)
    ]
    spare = width - 4 - sum(one + 3 for one in widths)
    texts = [_fitted(text, max(spare, width // 2)) for text, _ in rows]
    left = max(columns_of(text) for text in texts)
    shown = _chosen(condition, widths, width - left - 4)
    lines = []
    if devices:
        head = "   ".join(_head(devices, n).ljust(widths[n]) for n in shown)
        lines.append(f"  {' ' * left}   {head}{_more(len(devices) - len(shown))}".rstrip())
    for place, text in enumerate(texts):
        values = "   ".join(_padded(cells[n][place], widths[n]) for n in shown)
        lines.append(f"  {text}{' ' * (left - columns_of(text))}   {values}".rstrip())
    return lines


def _chosen(condition: ExplainedPart, widths: Sequence[int], room: int) -> list[int]:
    """Return which columns there is room for, with a word about the others: one at least, first one of each outcome."""
    if sum(widths) + 3 * (len(widths) - 1) <= room:
        return [*range(len(widths))]
    values = condition.values if condition.is_per_gpu else ()
    firsts = list(dict.fromkeys(values.index(value) for value in values))
    chosen: list[int] = []
    left = room + 3 - len(_more(len(widths)))
    for place in dict.fromkeys([*firsts, *range(len(widths))]):
        if not chosen or widths[place] + 3 <= left:
            chosen.append(place)
            left -= widths[place] + 3
    return sorted(chosen)


def _more(count: int) -> str:
    return f"   and {count} more" if count else ""


def amount(value: Value, datatype: Datatype, beside: Sequence[float] = ()) -> str:
    """Return a value for people, in its unit, rounded, but not to what a number *beside* it reads like."""
    if value is None:
        return "missing"
    if isinstance(value, str):
        return visible(repr(value))
    if isinstance(value, bool):
        return str(value).lower()
    return format_reading(value, datatype.dimension, beside)


def _rows(part: ExplainedPart, first: str, rest: str) -> Iterator[Row]:
    """Walk through the parts that get a line: truth values, and computed values."""
    yield first + visible(part.text), part
    inner = [p for p in part.parts if p.datatype.kind is Kind.BOOL or p.parts]
    if len(part.parts) > 1 and not inner:
        inner = list(part.parts)
    for child in inner:
        is_last = child is inner[-1]
        yield from _rows(child, f"{rest}{'└' if is_last else '├'} ", f"{rest}{'  ' if is_last else '│ '}")


def _cells(part: ExplainedPart, devices: Sequence[GPUIndex], paint: Paint) -> list[tuple[str, str]]:
    """Return the value of the part on each GPU, plain and painted; once where it is the same for all."""
    empty = [("", "")] * max(0, len(devices) - 1)
    places: Sequence[GPUIndex | None] = part.devices if part.is_per_gpu else (None,)
    cells = [_cell(part, place, paint) for place in places]
    return (cells or [("", "")]) if part.is_per_gpu else [*cells, *empty]  # of no GPU there is nothing to show


def _cell(part: ExplainedPart, device: GPUIndex | None, paint: Paint) -> tuple[str, str]:
    value = _value(part, device)
    if part.datatype.kind is not Kind.BOOL:
        return (text := amount(value, part.datatype)), text
    truth = value if isinstance(value, bool) else None
    measured = [p for p in part.parts if p.datatype.kind is not Kind.BOOL]
    words = f"{amount(_value(measured[0], device), measured[0].datatype, _limits(part, device))} " if measured else ""
    return f"{words}{_MARKS[truth]}", words + paint(_MARKS[truth], _TONES[truth])


def _limits(part: ExplainedPart, device: GPUIndex | None) -> list[float]:
    """Return the numbers that the first one below *part* is compared with."""
    constants = [term.value for term in ir.children(part.term) if isinstance(term, ir.Constant)]
    others = [_value(p, device) for p in part.parts[1:] if p.datatype.kind is Kind.NUMBER]
    return [value for value in (*constants, *others) if isinstance(value, int | float)]


def _value(part: ExplainedPart, device: GPUIndex | None) -> Value:
    if not part.is_per_gpu:
        return part.values[0]
    return part.values[part.devices.index(device)] if device in part.devices else None


def _head(devices: Sequence[GPUIndex], place: int) -> str:
    return f"GPU {devices[place]}" if devices else ""


def _padded(cell: tuple[str, str], width: int) -> str:
    bare, painted = cell
    return painted + " " * (width - columns_of(bare))


def _fitted(text: str, width: int) -> str:
    return excerpt(text, 0, 0, "", width).text
