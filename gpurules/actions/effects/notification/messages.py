"""What an event says: its texts, filled in, and its JSON, built from values."""

from collections.abc import Callable, Mapping

from gpurules.actions.action import Event
from gpurules.actions.effects.notification.delivery import event_id
from gpurules.actions.effects.notification.templates import fill_template, lone_placeholder


def _values(event: Event) -> dict[str, object]:
    """Return what placeholders may name: for several GPUs the values of each."""
    many = {name: each for name, each in event.per_gpu.items() if len(each) > 1}
    times = {"timestamp": event.timestamp, "started": event.started, "joined": event.joined, "left": event.left}
    return {**times, **event.values, **many, "rule": event.rule, "edge": event.edge, "devices": event.devices}


def event_text(event: Event, template: str, escape: Callable[[str], str] | None = None) -> str:
    """Return *template* with its placeholders filled in; *escape* is applied to each value that is a text."""
    values = _values(event)
    if escape is not None:
        values = {name: escape(value) if isinstance(value, str) else value for name, value in values.items()}
    return fill_template(template, values, event.dimensions)


def clip(text: str, limit: int) -> str:
    """Return *text* in at most *limit* characters, with an ellipsis where it was cut.

    >>> clip("hot", 3), clip("hotter", 3)
    ('hot', 'ho…')
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shown_values(event: Event) -> dict[str, str]:
    """Return the values of an event as people read them, without what it says otherwise, such as its host."""
    names = (name for name in event.values if name != "host" and event.values[name] is not None)
    return {name: event_text(event, f"{{{name}}}") for name in names}


def event_payload(event: Event) -> dict[str, object]:
    """Return an event as JSON-ready data."""
    payload = {
        "id": event_id(event),
        "rule": event.rule,
        "edge": event.edge,
        "timestamp": event.timestamp,
        "started": event.started,
        "devices": list(event.devices),
        "transfer": event.transfer.to_dict() if event.transfer else None,
        "values": dict(event.values),
        "annotations": dict(event.annotations),
    }
    return payload | ({"joined": list(event.joined), "left": list(event.left)} if event.edge == "change" else {})


def event_json(event: Event, template: object) -> object:
    """Return *template* with its texts filled in; one that is a single placeholder becomes the value itself.

    A per-GPU field is a list there, in the order of ``devices``, unless the event is for one GPU apart.
    """
    if isinstance(template, str):
        name = lone_placeholder(template)
        return event_text(event, template) if name is None else _value(event, name)
    if isinstance(template, Mapping):
        return {str(key): event_json(event, value) for key, value in template.items()}
    return [event_json(event, value) for value in template] if isinstance(template, list | tuple) else template


def _value(event: Event, name: str) -> object:
    if event.device is None and name in event.per_gpu:
        return list(event.per_gpu[name])
    value = _values(event).get(name)
    return list(value) if isinstance(value, tuple) else value
