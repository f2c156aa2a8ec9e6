"""Errors that carry diagnostics: the user's text is at fault."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gpurules.diagnostics.diagnostic import Diagnostic
from gpurules.errors import GpurulesError


class DiagnosedError(GpurulesError):
    """A text of the user's is wrong; ``diagnostics`` says all that is, in order of place.

    ``texts`` has those that are in no file, by their names in diagnostics; a reader may put them there.
    """

    texts: Mapping[str, str] = MappingProxyType({})

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: d.place))
        super().__init__(
            "\n".join(f"{_place(d)}{d.code} {d.message}" + (f" ({d.hint})" if d.hint else "") for d in self.diagnostics)
        )


def _place(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.path or ''}{':' if diagnostic.path else ''}{diagnostic.line}:{diagnostic.column}: "
