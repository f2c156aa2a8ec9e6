"""What the labels of series mean for a translation: whether they match, and what groups by them are."""

from gpurules.interop.prometheus.importing.metrics import CONSTANT_LABELS, GPU_LABELS, NODE_LABELS
from gpurules.interop.prometheus.importing.operands import CONSTANT, GPU, NODE, Filter, Measure, quote_double, refuse
from gpurules.interop.prometheus.importing.syntax import Binary, Grouping, SeriesPattern
from gpurules.language.terms.printer import quote


def check_match(expression: Binary, left: Measure | Filter, right: Measure | Filter) -> None:
    """Make sure that the label sets of both sides can match as they do in the language: on the same GPU or node."""
    if CONSTANT in (left.level, right.level):
        return
    if expression.labels is None:
        if left.family != right.family or left.level != right.level:
            refuse("it can never fire: the label sets of its two sides never match")
        return
    labels = set(expression.labels)
    if expression.ignoring:
        if left.level != right.level:
            refuse("it ignores labels between series of GPUs and of nodes")
        return
    if left.level == right.level == GPU and not labels & GPU_LABELS:
        refuse(f"it matches GPUs on {', '.join(sorted(labels)) or 'no label'}, which does not identify them")


def grouped_level(expression: Grouping, level: str, notes: list[str]) -> str:
    """Return what the groups are: each GPU, or a node."""
    if expression.has_parameter:
        refuse(f"{expression.function}() with a parameter has no counterpart")
    labels = set(expression.labels or ())
    if expression.without:
        if labels & (GPU_LABELS - {"device"}):
            refuse(f"it groups without {', '.join(sorted(labels))}, so that the other labels decide")
        return level
    foreign = labels - GPU_LABELS - NODE_LABELS - CONSTANT_LABELS
    if foreign:
        refuse(f"it groups by {', '.join(sorted(foreign))}, which a GPU does not have")
    if labels & GPU_LABELS:
        return level
    if not labels & NODE_LABELS:
        notes.append("it looks at the GPUs of this node, where Prometheus looks at those of all nodes")
    return NODE


def conditions_of_matchers(selector: SeriesPattern) -> list[str]:
    """Return the conditions that the matchers of a selector are; those that name the exporter say nothing here."""
    found = []
    for label, sign, value in selector.matchers:
        if label in ("gpu", "index", "gpu_id", "minor_number") and sign in ("=", "!=") and value.isdecimal():
            found.append(f"gpu_index {'==' if sign == '=' else '!='} {value}")
        elif label in ("modelName", "UUID", "uuid", "name"):
            known = "gpu_uuid" if label.lower() == "uuid" else "gpu_name"
            found.append(_text_condition(known, sign, value))
        elif label in ("job", "cluster", "service", "endpoint") and sign in ("=", "=~"):
            continue
        else:
            refuse(f"it looks at series with {label}{sign}{quote_double(value)}, a label that GPUs do not have here")
    return found


def grouped_family(expression: Grouping) -> str:
    """Return the family of the series that an aggregation makes."""
    labels = "without " if expression.without else "by "
    return labels + ",".join(sorted(expression.labels or ()))


def _text_condition(known: str, sign: str, value: str) -> str:
    match sign:
        case "=":
            return f"{known} == {quote(value)}"
        case "!=":
            return f"{known} != {quote(value)}"
        case "=~":
            return f"{known} MATCHES {quote(f'^(?:{value})$')}"
        case _:
            return f"NOT {known} MATCHES {quote(f'^(?:{value})$')}"
