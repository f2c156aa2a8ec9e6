"""Draws a view in a given number of columns and rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from textwrap import wrap

from rich.text import Text

from gpurules.cli.terminal.clock import time_of_day, zone_name
from gpurules.cli.watch.view import LogLine, RuleLine, View
from gpurules.diagnostics.excerpt import visible
from gpurules.engine import SignalState
from gpurules.model import GPU, Dimension, format_amount, format_duration

WIDE = 120
"""From this number of columns on there are two side by side."""
_WARM, _HOT = 70.0, 85.0
_BESIDE_BAR, _SIZED, _NAMED = 53, 72, 110
"""Columns of a GPU's line outside the bar; widths from which its memory size and its name are shown."""
_MARKS = {
    "match": ("●", "bold yellow"),
    "no-match": ("○", "dim"),
    "unknown": ("?", "magenta"),
    "transfer": ("⇄", "cyan"),
    "shadow": ("◌", "blue"),
    "stop": ("◌", "dim"),
    "for": ("◔", "yellow"),
    "disabled": ("-", "dim"),
}
_NOTES = {
    "unknown": "unknown",
    "transfer": "decided per transfer",
    "shadow": "would match (shadow)",
    "stop": "not evaluated: a rule with stop matches",
    "for": "waiting for its timer",
    "disabled": "disabled",
}


_MAX_TROUBLE = 6
"""The most lines of the head for what is wrong with telemetry, or with the ruleset."""


@dataclass(frozen=True, slots=True)
class Look:
    """The user's settings of the view: the filter that is typed, and the selected rule."""

    width: int = 80
    height: int = 24
    filter: str = ""
    is_typing: bool = False
    is_frozen: bool = False
    chosen: str | None = None
    is_interactive: bool = True


def frame(view: View, look: Look) -> list[Text]:
    """Return the lines of *view*: one per row, none wider than the number of columns."""
    head, foot = [*_head(view, look)], _foot(look)
    room = look.height - len(head) - len(foot)
    rules = [rule for rule in view.rules if _fits(rule.name, look)]
    signals = [signal for signal in _sorted(view.signals) if _fits(signal.name, look)]
    log = [line for line in view.log if _fits(line.text, look)]
    if look.width >= WIDE:
        left, right = (look.width - 3) * 11 // 20, look.width - 3 - (look.width - 3) * 11 // 20
        gpus = _gpus(view, left, room * 2 // 3)
        one = [*gpus, *_listed("signals", signals, lambda s: _signal(s, view, left), (left, room - len(gpus)))]
        shares = _shares(room, (len(rules), len(log)))
        two = _listed("rules", rules, lambda r: _rule(r, view, look, right), (right, shares[0]), _place(rules, look))
        two += _listed("latest", log, lambda line: _logged(line, view.zone), (right, room - len(two)))
        body = [_beside(a, b, left) for a, b in zip(_filled(one, room), _filled(two, room), strict=True)]
    else:
        width = look.width
        gpus = _gpus(view, width, room // 2)
        shares = _shares(room - len(gpus), (len(rules), len(signals), len(log)))
        body = [*gpus]
        body += _listed("signals", signals, lambda s: _signal(s, view, width), (width, shares[1]))
        body += _listed("rules", rules, lambda r: _rule(r, view, look, width), (width, shares[0]), _place(rules, look))
        body += _listed("latest", log, lambda line: _logged(line, view.zone), (width, room - len(body)))
    return [*head, *_filled(body, room), *foot]


def _fits(name: str, look: Look) -> bool:
    return look.filter.lower() in name.lower()


def _sorted(signals: Iterable[SignalState]) -> list[SignalState]:
    """Return the signals that are on, longest first, then one line for each of the others."""
    on = sorted((s for s in signals if s.on), key=lambda s: s.since)
    names = {s.name for s in on}
    off = {s.name: s for s in signals if s.name not in names}
    return [*on, *off.values()]


def _shares(room: int, needs: Sequence[int]) -> list[int]:
    """Return the number of rows for each list, including its title: all that it needs, or a fair share.

    >>> _shares(12, (7, 3, 40))
    [4, 4, 4]
    >>> _shares(20, (7, 2, 40)), _shares(5, (7, 2, 40))
    ([8, 3, 9], [2, 2, 1])
    """
    wanted = [max(2, need + 1) for need in needs]
    shares = [0] * len(wanted)
    left = room
    for place in range(len(wanted)):
        shares[place] = min(2, left)
        left -= shares[place]
    while left > 0 and any(share < want for share, want in zip(shares, wanted, strict=True)):
        for place, want in enumerate(wanted):
            if left > 0 and shares[place] < want:
                shares[place] += 1
                left -= 1
    return shares


def _place(rules: Sequence[RuleLine], look: Look) -> int:
    return next((n for n, rule in enumerate(rules) if rule.name == look.chosen), 0)


def _filled(lines: Sequence[Text], count: int) -> list[Text]:
    return [*lines[:count], *(Text() for _ in range(count - len(lines)))]


def _beside(left: Text, right: Text, width: int) -> Text:
    joined = _cut(left.copy(), width)
    joined.append(" │ ", "dim")
    return joined.append_text(right)


def _cut(text: Text, width: int) -> Text:
    """Return *text* in exactly *width* columns, without terminal control sequences."""
    if not text.plain.isprintable():
        text = Text(visible(text.plain))
    text.truncate(width, overflow="ellipsis", pad=True)
    return text


def _title(name: str, width: int, more: int = 0) -> Text:
    note = f" {more} more " if more else ""
    text = Text(f"─ {name} ", "dim")
    text.append("─" * max(0, width - text.cell_len - len(note)) + note, "dim")
    return text


def _listed(
    title: str, items: Sequence[object], draw: Callable[..., Text], size: tuple[int, int], first: int = 0
) -> list[Text]:
    """Return a title and the items that fit into *size* (columns and rows), including *first*."""
    width, room = size
    if room < 2:
        return []
    count = room - 1
    start = max(0, min(first - count // 2, len(items) - count))
    shown = items[start : start + count]
    lines = [_title(title, width, len(items) - len(shown)), *(_cut(draw(item), width) for item in shown)]
    return lines if items else [lines[0], Text("  none", "dim")]


def _head(view: View, look: Look) -> Iterable[Text]:
    host = view.snapshot.host if view.snapshot and view.snapshot.host else ""
    parts = [visible(host), f"{visible(view.ruleset)} {view.version[:6]}", visible(view.source)]
    left = Text("gpurules ", "bold")
    left.append(" · ".join(part for part in parts if part))
    age = "no telemetry yet" if view.age is None else f"{format_duration(round(view.age, 1))} old"
    right = Text(f"{time_of_day(view.time, view.zone)} {zone_name(view.time, view.zone)} · ")
    right.append(f"STALE, {age}" if view.stale else age, "bold red" if view.stale else "green")
    left.truncate(max(10, look.width - right.cell_len - 2), overflow="ellipsis", pad=True)
    yield _cut(left.append("  ").append_text(right), look.width)
    asked = Text("in force for transfers: ", "dim")
    asked.append(", ".join(view.asked) or "nothing", "bold yellow" if view.asked else "")
    yield _cut(asked, look.width)
    for name, trouble in (("telemetry", view.error), ("ruleset", view.reload_error)):
        if trouble:
            wrapped = wrap(f"! {name}: {visible(trouble)}", look.width, subsequent_indent="  ", max_lines=_MAX_TROUBLE)
            yield from (_cut(Text(line, "bold red"), look.width) for line in wrapped)


def _foot(look: Look) -> list[Text]:
    if not look.is_interactive:
        return []
    if look.is_typing:
        return [_cut(Text(f"filter: {look.filter}█   enter applies it, esc clears it", "reverse"), look.width)]
    keys = "q quit  ↑↓ select  e explain  f filter  space freeze"
    keys = keys.replace("freeze", "resume") if look.is_frozen else keys
    text = Text(f" FROZEN  {keys}" if look.is_frozen else f" {keys}", "reverse")
    if look.filter:
        text.append(f"  filter: {look.filter}", "bold")
    return [_cut(text, look.width)]


def _gpus(view: View, width: int, room: int) -> list[Text]:
    gpus = view.snapshot.gpus if view.snapshot else ()
    if not gpus:
        return [_title("gpus", width), Text("  none" if view.snapshot else "  no telemetry yet", "dim")]
    shown = gpus if len(gpus) < room else gpus[: max(1, room - 1)]
    return [_title("gpus", width, len(gpus) - len(shown)), *(_cut(_gpu(gpu, width), width) for gpu in shown)]


def _gpu(gpu: GPU, width: int) -> Text:
    text = Text(f" {visible(str(gpu.index)):>3} ")
    if gpu.is_lost or gpu.status == "unavailable":
        state = "lost" if gpu.status == "lost" or gpu.healthy else gpu.status or "lost"
        why = next(iter(gpu.missing.values()), "")
        text.append(f"{state.upper():<12}", "bold red")
        return text.append(f" {visible(gpu.name or '')}  {visible(why)}".rstrip(), "dim")
    name = f"  {visible(gpu.name)}" if gpu.name and width > _NAMED else ""
    size = f"{_gib(gpu.memory_used):>4}/{_gib(gpu.memory_total)} GiB " if width >= _SIZED else ""
    bar = max(6, min(30, width - _BESIDE_BAR - len(name) - len(size)))
    text.append("mem ", "dim").append_text(_bar(gpu.memory, bar)).append(
        f"{_amount(gpu.memory, Dimension.PERCENT):>7} "
    )
    text.append(size, "dim")
    text.append(" busy ", "dim").append(f"{_amount(gpu.utilization, Dimension.PERCENT):>6}")
    text.append(f"{_amount(gpu.temperature, Dimension.CELSIUS):>6}", _heat(gpu))
    text.append(f"{_amount(gpu.power, Dimension.WATTS):>7} ")
    if gpu.throttled:
        text.append(" THROTTLED", "bold red")
    elif gpu.status not in (None, "ok"):
        text.append(f" {visible(gpu.status or '')}", "bold yellow")
    return text.append(name, "dim")


def _heat(gpu: GPU) -> str:
    if gpu.throttle_thermal or (gpu.temperature or 0) >= 85:
        return "bold red"
    return "yellow" if (gpu.temperature or 0) >= 75 else ""


def _bar(percent: float | None, width: int) -> Text:
    """Return a bar filled to *percent*; a missing value is dotted."""
    if percent is None:
        return Text("·" * width, "dim")
    eighths = round(max(0.0, min(100.0, percent)) / 100 * width * 8)
    full, part = divmod(eighths, 8)
    color = "green" if percent < _WARM else "yellow" if percent < _HOT else "red"
    text = Text("█" * full + ("▏▎▍▌▋▊▉"[part - 1] if part else ""), color)
    return text.append("░" * (width - text.cell_len), "dim")


def _gib(value: float | None) -> str:
    return "-" if value is None else f"{value / (1 << 30):.0f}"


def _amount(value: float | None, dimension: Dimension) -> str:
    if value is None:
        return "-"
    return format_amount(round(value, 1 if dimension is Dimension.PERCENT and value < 100 else 0), dimension)


def _signal(signal: SignalState, view: View, width: int) -> Text:
    name = visible(signal.name.removeprefix("rule:"))
    room = max(20, min(34, width - 42))
    if not signal.on:
        return Text(f" ▽ {name:<{room}} off", "dim")
    text = Text(" ▲ ", "bold yellow").append(f"{name:<{room}} ", "bold")
    where = f"GPU {signal.device}" if signal.device is not None else "gone" if signal.owner else "node"
    return text.append(f"{where:<10}").append(f" on for {format_duration(max(0, round(view.time - signal.since)))}")


def _rule(rule: RuleLine, view: View, look: Look, width: int) -> Text:
    mark, style = _MARKS.get(rule.state, ("?", ""))
    is_chosen = look.is_interactive and rule.name == look.chosen
    text = Text("›" if is_chosen else " ", "bold").append(f"{mark} ", style)
    room = max(20, min(38, width * 11 // 20))
    name = Text(visible(rule.name), "bold" if rule.state == "match" else "dim" if rule.state in ("disabled",) else "")
    name.truncate(room, overflow="ellipsis", pad=True)
    text.append_text(name).append(" ")
    if rule.state == "match":
        where = f"GPU {', '.join(map(str, rule.devices))}" if rule.devices else "node"
        lasted = f" for {format_duration(max(0, round(view.time - rule.since)))}" if rule.since is not None else ""
        return text.append(f"{where}{lasted}  ").append(rule.asks, "yellow")
    note = _NOTES.get(rule.state) or rule.reason
    return text.append(" ".join(visible(note).split()), "dim")


def _logged(line: LogLine, zone: tzinfo) -> Text:
    mark, style = {True: ("▲", "yellow"), False: ("▼", "green"), None: ("·", "bold")}[line.on]
    text = Text(f" {time_of_day(line.timestamp, zone)} ", "dim").append(f"{mark} ", style)
    return text.append(visible(line.text))
