"""What one poll of a live source requests, and in which form the answer came."""

from dataclasses import dataclass

from gpurules.fields import Field

EVERY_CALL = "*"
"""Among the calls that are skipped: all calls of that subject."""
NO_SUBJECT = "the driver"
"""What a call is of that is not of one GPU, and so cannot be skipped."""


@dataclass(frozen=True, slots=True)
class PollRequest:
    """The requested fields, and the calls that are not to be made since they hung before.

    ``feeds`` are the declared fields that sources of Prometheus text fill.

    Missing: ``fields`` is None for all that are cheap.
    """

    fields: frozenset[str] | None = None
    skipped: frozenset[tuple[str, str]] = frozenset()
    feeds: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceForm:
    """The form that the last reading came in.

    >>> str(SourceForm("XML")), str(SourceForm("CSV", "the XML is cut off"))
    ('XML', 'CSV: the XML is cut off')

    Missing: ``why`` is empty for the form that is read first.
    """

    name: str
    why: str = ""

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.name}: {self.why}" if self.why else self.name


def form_of(source: object) -> SourceForm | None:
    """Return the form in which *source* was read last; None where it has only one, or was not read yet."""
    form = getattr(source, "form", None)
    return form if isinstance(form, SourceForm) else None
