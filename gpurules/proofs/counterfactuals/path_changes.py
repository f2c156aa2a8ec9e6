"""Changes of a path: its file name and extension are parts of it, so that one change covers all three."""

from collections.abc import Iterator, Mapping, Sequence

from gpurules.language.terms import ir
from gpurules.model import Value
from gpurules.proofs.witnesses.substitution import with_path_part

_PARTS = ("path", "file_name", "file_extension")
PartValues = Mapping[str, Sequence[Value]]


def is_part(term: ir.Term) -> bool:
    """Return whether *term* reads a path or a part of one."""
    return isinstance(term, ir.Read) and term.field.name in _PARTS


def paths(now: str | None, candidates: PartValues) -> Iterator[str | None]:
    """Yield paths to try in place of *now*, the plainest first; *options* has texts for each part that changes.

    Missing: None where a part is to be missing, and with it the path.
    """
    if any(None in values for values in candidates.values()):
        yield None
    name_now = (now or "").rpartition("/")[2]
    dot = name_now.rfind(".")
    suffix = name_now[dot:] if dot > 0 else ""
    for base in _texts(candidates, "path") or [now or ""]:
        names = _texts(candidates, "file_name")
        named = [with_path_part(base, "file_name", name) or "" for name in names] or [base]
        if "path" in candidates:
            named += [f"{base.rstrip('/')}/{name}" for name in names or [name_now]]
        for path in named:
            extensions = _texts(candidates, "file_extension")
            yield from (with_path_part(path, "file_extension", extension) for extension in extensions)
            if not extensions:
                yield from (path, f"{path}{suffix}")


def _texts(candidates: PartValues, part: str) -> list[str]:
    return [value for value in candidates.get(part, ()) if isinstance(value, str)]
