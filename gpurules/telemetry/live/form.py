"""In which of its forms a source is read, where it has several that do not tell the same."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """The form that the last reading came in.

    >>> str(Form("XML")), str(Form("CSV", "the XML is cut off"))
    ('XML', 'CSV: the XML is cut off')

    Missing: ``why`` is empty for the form that is read first.
    """

    name: str
    why: str = ""

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.name}: {self.why}" if self.why else self.name


def form_of(source: object) -> Form | None:
    """Return the form in which *source* was read last; None where it has only one, or was not read yet."""
    form = getattr(source, "form", None)
    return form if isinstance(form, Form) else None
