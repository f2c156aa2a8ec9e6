"""Windows of hours that wrap around midnight, and limits in the wrong order: what to write instead."""

from collections.abc import Sequence

from gpurules.fields.detection import extension_meant
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.printer import quote, spell
from gpurules.linter.conditions.links import ORDERED, UPWARD, ComparisonLink, links

_CLOCK = ("time_of_day", "hour")


def for_never(terms: Sequence[ir.Term]) -> str | None:
    """Return what to write where *terms*, which exclude each other, are limits or values of one field.

    Missing: None where they are about anything else.
    """
    return _for_values(terms) or _for_limits(terms)


def for_always(term: ir.Term) -> str | None:
    """Return what to write where *term* is always TRUE, as it is what a window over midnight leaves out."""
    match term:
        case ir.Not(inner):
            limits = _limits([inner])
            if limits is None or _name(limits[0]) not in _CLOCK or not _is_backward(*limits):
                return None
            upper, lower = map(_turned, limits)
            return f"the hours outside a window across midnight are {_show_link(lower)} AND {_show_link(upper)}"
        case ir.Or(parts):
            limits = _limits(parts)
            if limits is None or _name(limits[0]) not in _CLOCK or _is_backward(*limits):
                return None
            return f"the hours between are {_show_link(limits[0])} AND {_show_link(limits[1])}"
        case _:
            return None


def _for_limits(terms: Sequence[ir.Term]) -> str | None:
    limits = _limits(terms)
    if limits is None or not _is_backward(*limits):
        return None
    lower, upper = limits
    if _name(lower) in _CLOCK:
        return f"a window across midnight is {_show_link(lower)} OR {_show_link(upper)}"
    if len(terms) > 1:
        return None
    return f"the lower limit comes first: {_name(lower)} BETWEEN {spell(upper.constant)} AND {spell(lower.constant)}"


def _for_values(terms: Sequence[ir.Term]) -> str | None:
    found = [link for term in terms for link in links(term)]
    names = {_name(link) for link in found}
    if len(found) < 2 or len(found) != len(terms) or len(names) != 1 or None in names:
        return None
    if any(link.comparator is not Comparator.EQ for link in found):
        return None
    members = ", ".join(spell(link.constant) for link in found)
    return f"to match any of them, write {_name(found[0])} IN ({members})"


def _limits(terms: Sequence[ir.Term]) -> tuple[ComparisonLink, ComparisonLink] | None:
    """Return the lower and the upper limit that *terms* give, where they are just these two, of one field."""
    found = [link for term in terms for link in links(term)]
    ordered = [link for link in found if link.comparator in ORDERED]
    if len(found) != 2 or len(ordered) != 2 or _name(found[0]) is None or _name(found[0]) != _name(found[1]):
        return None
    upper, lower = sorted(found, key=lambda link: link.comparator in UPWARD)
    is_pair = lower.comparator in UPWARD and upper.comparator not in UPWARD
    return (lower, upper) if is_pair else None


def _is_backward(lower: ComparisonLink, upper: ComparisonLink) -> bool:
    low, high = lower.constant.value, upper.constant.value
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def _name(link: ComparisonLink) -> str | None:
    return link.term.field.name if isinstance(link.term, ir.Read) else None


def _turned(link: ComparisonLink) -> ComparisonLink:
    return ComparisonLink(link.comparator.opposite, link.term, link.constant)


def _show_link(link: ComparisonLink) -> str:
    return f"{_name(link)} {link.comparator.value} {spell(link.constant)}"


def spelling_hint(term: ir.Term) -> str | None:
    """Return how a text is written, where *term* compares a file extension, or lower case, with what that never is."""
    if not isinstance(term, ir.Compare | ir.Member | ir.TextTest):
        return None
    first, *others = ir.children(term)
    texts = [other.value for other in others if isinstance(other, ir.Constant) and isinstance(other.value, str)]
    if texts and isinstance(first, ir.Apply) and first.function == "lower":
        return f"the result of lower(…) is in lower case: {quote(texts[0].lower())}"
    if not (isinstance(first, ir.Read) and first.field.name == "file_extension" and texts):
        return None
    meant = next((meant for text in texts if (meant := extension_meant(text)) is not None), None)
    return (
        None if meant is None else f"a file extension is the last one, with its dot and in lower case: {quote(meant)}"
    )
