"""The request of one poll of a live source, and the form of its result."""

from dataclasses import dataclass

from gpurules.fields import Field

EVERY_CALL = "*"
"""Among the calls that are skipped: all calls of that subject."""
NO_SUBJECT = "the driver"
"""What a call is of that is not of one GPU, and so cannot be skipped."""


@dataclass(frozen=True, slots=True)
class PollRequest:
    """The requested fields, and the calls to skip because they hung before.

    ``feeds`` are the declared fields that sources of Prometheus text fill.

    Missing: ``fields`` None: all that are cheap.
    """

    fields: frozenset[str] | None = None
    skipped: frozenset[tuple[str, str]] = frozenset()
    feeds: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceForm:
    """The form of the last reading.

    >>> str(SourceForm("XML")), str(SourceForm("CSV", "the XML is cut off"))
    ('XML', 'CSV: the XML is cut off')

    Missing: ``why`` is empty for the preferred form.
    """

    name: str
    why: str = ""

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.name}: {self.why}" if self.why else self.name


def form_of(source: object) -> SourceForm | None:
    """Return the form of *source*'s last reading; None if it has only one, or was not read yet."""
    form = getattr(source, "form", None)
    return form if isinstance(form, SourceForm) else None
