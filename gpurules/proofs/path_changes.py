"""Changes of a path: its file name and extension are parts of it, so that one change answers what is asked of all."""

from collections.abc import Iterator, Mapping, Sequence

from gpurules.language import ir
from gpurules.model import Value
from gpurules.proofs.changing import changed_path

_PARTS = ("path", "file_name", "file_extension")
Options = Mapping[str, Sequence[Value]]


def is_part(term: ir.Term) -> bool:
    """Return whether *term* reads a path or a part of one."""
    return isinstance(term, ir.Read) and term.field.name in _PARTS


def paths(now: str | None, options: Options) -> Iterator[str | None]:
    """Yield paths worth a try in place of *now*, the plainest first; *options* has texts for each part that changes.

    Missing: None where a part is to be missing, and with it the path.
    """
    if any(None in values for values in options.values()):
        yield None
    name_now = (now or "").rpartition("/")[2]
    dot = name_now.rfind(".")
    suffix = name_now[dot:] if dot > 0 else ""
    for base in _texts(options, "path") or [now or ""]:
        names = _texts(options, "file_name")
        named = [changed_path(base, "file_name", name) or "" for name in names] or [base]
        if "path" in options:
            named += [f"{base.rstrip('/')}/{name}" for name in names or [name_now]]
        for path in named:
            extensions = _texts(options, "file_extension")
            yield from (changed_path(path, "file_extension", extension) for extension in extensions)
            if not extensions:
                yield from (path, f"{path}{suffix}")


def _texts(options: Options, part: str) -> list[str]:
    return [value for value in options.get(part, ()) if isinstance(value, str)]
