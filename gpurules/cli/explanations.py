"""Draws explanations: the condition as a tree, with what each part is worth on each GPU."""

import textwrap
from collections.abc import Iterator, Sequence

from gpurules.backends import Explanation
from gpurules.cli.output import Style, columns_of, paint, terminal_width
from gpurules.diagnostics.excerpt import excerpt, visible
from gpurules.model import GPUIndex, Kind, Value, format_amount
from gpurules.model.datatypes import Datatype
from gpurules.rules.explanation import RuleExplanation

MARKS = {True: "✓", False: "✗", None: "?"}
_STYLES = {True: Style.GOOD, False: Style.BAD, None: Style.WARN}
_OUTCOMES = {
    "match": "matched",
    "no-match": "did not match",
    "unknown": "is unknown, and so did not match",
    "suppressed": "was suppressed",
}
Row = tuple[str, Explanation]


def drawn(explained: RuleExplanation) -> str:
    """Return why one rule did or did not match, and what would change that, for people."""
    return with_nearest(explained, f"Nearest: {explained.nearest}." if explained.nearest else None)


def with_nearest(explained: RuleExplanation, nearest: str | None, indent: int = 0) -> str:
    """Return why one rule did or did not match, and *nearest*, a change that would do, if there is one.

    Units: *indent* in columns that are left free, beside it, for whoever shows it.
    """
    on = f" on GPU {', '.join(map(str, explained.devices))}" if explained.devices else ""
    because = f" ({explained.because})" if explained.because else ""
    style = Style.GOOD if explained.outcome == "match" else Style.HEAD
    lines = [f"{paint(visible(explained.rule), style)} {_OUTCOMES[explained.outcome]}{on}{because}"]
    if explained.condition is not None:
        lines += ["", *tree(explained.condition, indent)]
    told = [explained.reason.strip()] if explained.reason.strip() else []
    told += [nearest] if nearest else []
    told += [f"{text}." for text in explained.unreported]
    lines += ["", *(f"  {line}" for text in told for line in wrapped(visible(text), 2 + indent))] if told else []
    return "\n".join([*lines, ""])


def wrapped(text: str, indent: int) -> list[str]:
    """Return *text* as lines that leave *indent* columns free."""
    return textwrap.wrap(text, terminal_width() - indent, break_long_words=False, break_on_hyphens=False)


def tree(condition: Explanation, indent: int = 0) -> list[str]:
    """Return the lines of a condition and its parts, with a column for each GPU that it was evaluated on."""
    width = terminal_width() - indent
    rows = list(_rows(condition, "", ""))
    devices = next((part.devices for _, part in rows if part.devices), ())
    cells = [[_cells(part, devices)[n] for _, part in rows] for n in range(max(1, len(devices)))]
    widths = [
        max(columns_of(text) for text in [_head(devices, n), *(plain for plain, _ in column)])
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


def _chosen(condition: Explanation, widths: Sequence[int], room: int) -> list[int]:
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


def amount(value: Value, datatype: Datatype) -> str:
    """Return a value for people, in its unit."""
    if value is None:
        return "missing"
    if isinstance(value, str):
        return visible(repr(value))
    if isinstance(value, bool):
        return str(value).lower()
    return format_amount(value, datatype.dimension)


def _rows(part: Explanation, first: str, rest: str) -> Iterator[Row]:
    """Walk through the parts worth a line: truth values, and what is computed."""
    yield first + visible(part.text), part
    inner = [p for p in part.parts if p.datatype.kind is Kind.BOOL or p.parts]
    if len(part.parts) > 1 and not inner:
        inner = list(part.parts)
    for child in inner:
        is_last = child is inner[-1]
        yield from _rows(child, f"{rest}{'└' if is_last else '├'} ", f"{rest}{'  ' if is_last else '│ '}")


def _cells(part: Explanation, devices: Sequence[GPUIndex]) -> list[tuple[str, str]]:
    """Return what the part is worth on each GPU, plain and painted; once where it is the same for all."""
    empty = [("", "")] * max(0, len(devices) - 1)
    places: Sequence[GPUIndex | None] = part.devices if part.is_per_gpu else (None,)
    worth = [_cell(part, place) for place in places]
    return (worth or [("", "")]) if part.is_per_gpu else [*worth, *empty]  # of no GPU there is nothing to show


def _cell(part: Explanation, device: GPUIndex | None) -> tuple[str, str]:
    value = _value(part, device)
    if part.datatype.kind is not Kind.BOOL:
        return (text := amount(value, part.datatype)), text
    truth = value if isinstance(value, bool) else None
    measured = [p for p in part.parts if p.datatype.kind is not Kind.BOOL]
    words = f"{amount(_value(measured[0], device), measured[0].datatype)} " if measured else ""
    return f"{words}{MARKS[truth]}", words + paint(MARKS[truth], _STYLES[truth])


def _value(part: Explanation, device: GPUIndex | None) -> Value:
    if not part.is_per_gpu:
        return part.values[0]
    return part.values[part.devices.index(device)] if device in part.devices else None


def _head(devices: Sequence[GPUIndex], place: int) -> str:
    return f"GPU {devices[place]}" if devices else ""


def _padded(cell: tuple[str, str], width: int) -> str:
    plain, painted = cell
    return painted + " " * (width - columns_of(plain))


def _fitted(text: str, width: int) -> str:
    return excerpt(text, 0, 0, "", width).text
