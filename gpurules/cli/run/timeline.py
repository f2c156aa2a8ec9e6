"""Renders the events of a replay: a timeline, or JSON Lines."""

from statistics import median

from gpurules.actions import is_directive
from gpurules.actions.decision import Decision
from gpurules.actions.targets import PREFETCH, TARGETS
from gpurules.cli.explain.explanations import describe_decision
from gpurules.cli.run.gpu_changes import GPUChange
from gpurules.cli.run.playback import Decided, Directives, Event, NodeChange, Tally, node_directives
from gpurules.cli.terminal.clock import time_of_day
from gpurules.cli.terminal.output import Style, paint, pluralize, terminal_width
from gpurules.diagnostics.excerpt import columns_of, excerpt, visible
from gpurules.engine import Transition
from gpurules.fields.detection import detect_file_type
from gpurules.model import GPU, Dimension, GPUIndex, Snapshot, format_duration, format_reading
from gpurules.rules.program import zone_of
from gpurules.rules.ruleset import Ruleset
from gpurules.strict_json import dumps

INDENT = " " * 10
LEGEND = "▲ signal on · ▼ signal off · → in force for all transfers · ✗ GPU lost · ? reading missing"
_PATH_COLUMNS = 36


class Timeline:
    """Renders events as lines, with what the GPUs reported when a signal changed."""

    def __init__(self, ruleset: Ruleset, is_terminal: bool) -> None:
        self._ruleset = ruleset
        self._zone = zone_of(ruleset.settings.timezone)
        self._width = terminal_width() if is_terminal else 10_000
        self._last_head: tuple[float, GPUIndex | None] | None = None

    def lines(self, event: Event, snapshot: Snapshot | None) -> list[str]:
        """Return the lines of one event."""
        match event:
            case Transition():
                return [*self._head(event.timestamp, event.device, snapshot), self._signal(event)]
            case NodeChange():
                return [*self._head(event.timestamp, None, snapshot), self._node(event)]
            case Decided():
                return self._decided(event)
            case GPUChange():
                return [self._gpu(event)]

    def _head(self, timestamp: float, device: GPUIndex | None, snapshot: Snapshot | None) -> list[str]:
        """Return the heading with the time and GPU, unless it repeats the previous one."""
        if self._last_head is not None and self._last_head[0] == timestamp and device in (None, self._last_head[1]):
            return []
        self._last_head = (timestamp, device)
        gpus = snapshot.gpus if snapshot else ()
        shown = [gpu for gpu in gpus if gpu.index == device] if device is not None else list(gpus)
        phrase = gpu_words(shown[0]) if len(shown) == 1 else node_words(shown)
        return [f"{time_of_day(timestamp, self._zone)}  {phrase}"]

    def _signal(self, change: Transition) -> str:
        signal = self._ruleset.signals[change.signal]
        name = signal.rule or change.signal
        where = f" on GPU {change.device}" if change.device is not None else ""
        if change.on:
            held = f" held {format_duration(signal.for_seconds)}" if signal.for_seconds else ""
            why = f"{' '.join(signal.text.split())}{held}"
        else:
            phrase = " ".join(signal.until_text.split()) if signal.until_text else "ended"
            why = f"{'telemetry is missing' if change.because else phrase}, {format_duration(change.lasted)} on"
        mark = paint("▲", Style.WARN) if change.on else paint("▼", Style.GOOD)
        state = "on " if change.on else "off"
        return f"{INDENT}{mark} {self._cut(f'{name}{where}  {state}  {why}', INDENT + '▲ ')}"

    def _gpu(self, change: GPUChange) -> str:
        reason = f": {change.reason}" if change.reason else ""
        match change.kind:
            case "lost":
                mark, text = paint("✗", Style.BAD), f"lost{reason}"
            case "back":
                mark, text = paint("✓", Style.GOOD), "reports again"
            case "missing":
                mark, text = paint("?", Style.WARN), f"{change.field} missing{reason}"
        start = f"{time_of_day(change.timestamp, self._zone)}  GPU {change.device}  "
        return f"{start}{mark} {self._cut(text, f'{start}? ')}"

    def _node(self, change: NodeChange) -> str:
        before = node_directives(change.before) if change.before else None
        asked = (
            " · ".join(_changes(before, node_directives(change.after))) or "no directive applies to the node any more"
        )
        rules = ", ".join(change.after.rules) or "no rule matches"
        return f"{INDENT}{paint('→', Style.HEAD)} {self._cut(f'{asked}   {rules}', INDENT + '→ ')}"

    def _decided(self, event: Decided) -> list[str]:
        transfer, decision = event.transfer, event.decision
        kind = transfer.file_type or detect_file_type(transfer.path, self._ruleset.file_types) or ""
        size = "" if transfer.size is None else format_reading(transfer.size, Dimension.BYTES)
        asked = "; ".join(describe_decision(decision)) or "go"
        path = _tail(transfer.path or "", _PATH_COLUMNS)
        at = time_of_day(event.timestamp, self._zone)
        first = (
            f"{at}  {visible(transfer.id or '-'):<8} {visible(kind):<8} {size:>10}  "
            f"{path}{' ' * (_PATH_COLUMNS - columns_of(path))}  {paint(asked, Style.HEAD)}"
        )
        return [first, *(f"{INDENT}{self._cut(why, INDENT)}" for why in _why(decision))]

    def _cut(self, text: str, before: str) -> str:
        return _fitted(text, max(20, self._width - columns_of(before)))


def gpu_words(gpu: GPU) -> str:
    """Return the readings of one GPU, in a line."""
    of = f" of {format_reading(gpu.memory_total, Dimension.BYTES)}" if gpu.memory_total else ""
    parts = [
        "lost" if gpu.is_lost else "",
        f"memory {gpu.memory:.1f} %{of}" if gpu.memory is not None else "memory missing",
        "" if gpu.temperature is None else format_reading(gpu.temperature, Dimension.CELSIUS),
        "" if gpu.power is None else format_reading(round(gpu.power), Dimension.WATTS),
    ]
    return f"GPU {gpu.index}  {' · '.join(part for part in parts if part)}"


def node_words(gpus: list[GPU]) -> str:
    """Return the highest readings of several GPUs, in a line."""
    memory = max((gpu.memory for gpu in gpus if gpu.memory is not None), default=None)
    heat = max((gpu.temperature for gpu in gpus if gpu.temperature is not None), default=None)
    lost = sum(gpu.is_lost for gpu in gpus)
    parts = [
        f"{len(gpus)} GPUs",
        "" if memory is None else f"memory up to {memory:.1f} %",
        "" if heat is None else f"up to {format_reading(heat, Dimension.CELSIUS)}",
        f"{lost} lost" if lost else "",
    ]
    return " · ".join(part for part in parts if part)


def summary(tally: Tally, seconds: float) -> str:
    """Summarize a playback in a sentence; *seconds* is how long it took."""
    spread = ""
    if tally.delays:
        longest, middle = format_duration(max(tally.delays)), format_duration(median(tally.delays))
        spread = f" (max {longest}, median {middle})"
    counts = [
        f"{len(tally.delays)} delayed{spread}",
        f"{tally.paused} paused" if tally.paused else "",
        f"{tally.boosted} boosted",
        f"{tally.staged} staged",
        f"{tally.limited} limited" if tally.limited else "",
        f"{tally.untouched} untouched",
    ]
    phrase = f": {', '.join(part for part in counts if part)}" if tally.transfers else ""
    late = f"; {pluralize(tally.after_the_end, 'transfer')} arrived after the end" if tally.after_the_end else ""
    old = f"; {pluralize(tally.ignored, 'snapshot')} not newer than the last" if tally.ignored else ""
    return (
        f"{pluralize(tally.snapshots, 'snapshot')} of {format_duration(tally.last - tally.first)}, "
        f"{pluralize(tally.transfers, 'transfer')} in {seconds:.1f} s{phrase}; "
        f"{pluralize(tally.transitions, 'transition')}, {pluralize(tally.flaps, 'flap')}{late}{old}"
    )


def event_json(event: Event) -> str:
    """Return one event as a line of JSON."""
    data: dict[str, object]
    match event:
        case Transition():
            data = {"event": "signal", "timestamp": event.timestamp, "signal": event.signal, "device": event.device}
            data |= {"on": event.on, "lasted": event.lasted, "because": event.because}
        case NodeChange():
            data = {"event": "node", "timestamp": event.timestamp, "decision": event.after.to_dict()}
        case Decided():
            data = {"event": "transfer", "timestamp": event.timestamp, "transfer": event.transfer.to_dict()}
            data |= {"decision": event.decision.to_dict()}
        case GPUChange():
            data = {"event": "gpu", "timestamp": event.timestamp, "device": event.device, "change": event.kind}
            data |= {"field": event.field or None, "reason": event.reason or None}
    return dumps(data) + "\n"


def summary_json(tally: Tally) -> str:
    """Return the summary of a playback as a line of JSON."""
    names = ("snapshots", "ignored", "first", "last", "transfers", "paused", "boosted", "staged", "limited")
    data: dict[str, object] = {"event": "summary", **{name: getattr(tally, name) for name in names}}
    data |= {"untouched": tally.untouched, "delayed": len(tally.delays), "max_delay": max(tally.delays, default=0)}
    data |= {"transitions": tally.transitions, "flaps": tally.flaps, "after_the_end": tally.after_the_end}
    return dumps(data) + "\n"


def _changes(before: Directives | None, after: Directives) -> list[str]:
    """Describe how the directives for every transfer have changed."""
    words = []
    for name, value in after.items():
        target = TARGETS[name]
        old = before[name] if before else target.neutral
        if value == old:
            continue
        if name == PREFETCH.name:
            words.append(f"prefetch {old:.2f} → {value:.2f}")
        elif value != target.neutral:
            words.append(target.describe(value))
        else:
            words.append(_NO_LONGER.get(name, f"no {target.label} any more"))
    return words


_NO_LONGER = {"max_bandwidth": "bandwidth free", "max_concurrency": "any number at once", "paused": "no longer paused"}


_OF_ONE_TRANSFER = frozenset(name for name, target in TARGETS.items() if target.of_transfer)


def _why(decision: Decision) -> list[str]:
    """Return the name and reason of each rule that has directives for the transfer."""
    explained = decision.explain()
    return [
        f"{match.rule}: {explained.rule(match.rule).reason}"
        for match in decision.matched
        if any(is_directive(a.action) and a.action.target in _OF_ONE_TRANSFER for a in match.actions)
    ]


def _tail(path: str, width: int) -> str:
    """Return *path* clipped at its start, since its end says more."""
    return excerpt(path, len(path), len(path), "", width).text if columns_of(path) > width else visible(path)


def _fitted(text: str, width: int) -> str:
    if columns_of(text) <= width:
        return visible(text)
    return excerpt(text, 0, 0, "", width).text
