"""Paths whose name and extension are as wanted: the parts of a path hang together."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, product

from gpurules.fields.detection import file_extension, file_name
from gpurules.model import Value
from gpurules.proofs.cells import Cell
from gpurules.proofs.differences import UnsureError
from gpurules.proofs.grounding import variable
from gpurules.proofs.search import Domains
from gpurules.proofs.universe import Universe

PATH_PARTS = ("file_extension", "file_name", "path")
"""Fields that are told from one path; in a witness a later one stands above an earlier one."""
_TELLING: Mapping[str, Callable[[str], str]] = {
    "file_extension": file_extension, "file_name": file_name, "path": str,
}  # fmt: skip
_TOLD = ("file_type", "framework")
"""What is told from a path where it is not given."""
_MOST_TRIES = 400


def is_untold(universe: Universe, domains: Domains) -> bool:
    """Return whether a path must be known, and what can be told of it missing: that is never so."""

    def asked(names: Iterable[str]) -> Iterator[tuple[Cell, int]]:
        for cell in (universe.cells.get(("read", name)) for name in names):
            if cell is not None:
                yield cell, domains.get(variable(cell, None), cell.full)

    is_known = any(not mask & cell.missing for cell, mask in asked(PATH_PARTS))
    return is_known and any(mask == cell.missing for cell, mask in asked(_TOLD))


def path_parts(universe: Universe, domains: Domains) -> dict[int, Value]:
    """Return a path, its name and its extension within *domains*, by variable; nothing where they are free.

    Raises:
        UnsureError: none were hit on, and it is not proved that there are none.
    """
    cells = {name: universe.cells["read", name] for name in PATH_PARTS if ("read", name) in universe.cells}
    asked = {name: domains.get(variable(cell, None), cell.full) for name, cell in cells.items()}
    known = {name: mask & cells[name].known for name, mask in asked.items() if mask != cells[name].full}
    if len(known) < 2 or not all(known.values()):
        return {}
    for path in islice(_paths(cells, known), _MOST_TRIES):
        parts = {name: tell(path) for name, tell in _TELLING.items() if name in cells}
        if all(cells[name].mask_of_text(parts[name]) & mask for name, mask in known.items()):
            return {variable(cells[name], None): parts[name] for name in cells}
    raise UnsureError


def _paths(cells: dict[str, Cell], known: dict[str, int]) -> Iterator[str]:
    """Yield paths worth trying: the texts that stand for what is wanted, put together in the ways of paths."""
    options = (
        [str(value) for i, value in enumerate(cells[name].values) if known[name] >> i & 1] if name in known else [""]
        for name in PATH_PARTS
    )
    for extension, name, path in product(*options):
        folder, slash, last = path.rpartition("/")
        stem, end = (name or last).rpartition(".")[0] or name or last, name or f"{last}{extension}"
        yield from (
            path or name,
            f"{folder}{slash}{end}",
            f"{path}/{end}",
            f"{path}{end}",
            f"{path}{extension}",
            f"{folder}{slash}{stem}{extension}",
            f"{path}/{stem}{extension}",
            f"{path}x{extension}",
            f"{path}/x{extension}",
            f"{name}{extension}",
            f"/x{path}" if not name else f"{folder}/x/{end}",
        )
