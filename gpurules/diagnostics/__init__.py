"""Findings: what is wrong, where, and how it is reported.

::

    code -> codes/ -> catalogue       Code: number, name, severity and documentation of each kind of finding
    span                              offsets in a text; lines and columns in a file
      -> diagnostic                   Finding (in a text) -> Diagnostic (in a file), with edits and related places
      -> errors                       DiagnosedError carries them
    diagnostics -> render             for people (with excerpt), or by line
                     -> reports       SARIF, JUnit, GitHub, GitLab, Markdown, JSON

Lint checks bring their own codes; ``catalogue`` collects all. The entry points are ``CATALOGUE`` and ``render``.
"""

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
