"""What is wrong, where, said how."""

from gpurules.diagnostics.catalogue import CATALOGUE, DEFAULT_CODES, code_candidates, codes_named, codes_needing
from gpurules.diagnostics.code import Code, Fix, Form, Need, Severity
from gpurules.diagnostics.diagnostic import Diagnostic, Edit, Example, Finding, LocatedEdit, Related, diagnostic_at
from gpurules.diagnostics.errors import DiagnosedError
from gpurules.diagnostics.render import Format, render
from gpurules.diagnostics.span import LineIndex, Location, Span

__all__ = [
    "CATALOGUE",
    "DEFAULT_CODES",
    "Code",
    "DiagnosedError",
    "Diagnostic",
    "Edit",
    "Example",
    "Finding",
    "Fix",
    "Form",
    "Format",
    "LineIndex",
    "LocatedEdit",
    "Location",
    "Need",
    "Related",
    "Severity",
    "Span",
    "code_candidates",
    "codes_named",
    "codes_needing",
    "diagnostic_at",
    "render",
]
