"""Paths whose name and extension are as wanted: the parts of a path hang together."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, product

from gpurules.fields.detection import file_extension, file_name
from gpurules.model import Value
from gpurules.proofs.domains.variables import AbstractVariable
from gpurules.proofs.formulas.universe import Universe
from gpurules.proofs.solver.backtracking import Domains
from gpurules.proofs.solver.difference_logic import IncompleteError
from gpurules.proofs.solver.grounding import ground_name

PATH_PARTS = ("file_extension", "file_name", "path")
"""Fields that are derived from one path; in a witness a later one takes precedence over an earlier one."""
_DERIVATIONS: Mapping[str, Callable[[str], str]] = {
    "file_extension": file_extension, "file_name": file_name, "path": str,
}  # fmt: skip
_DERIVED = ("file_type", "framework")
"""What is derived from a path where it is not given."""
_MOST_TRIES = 400


def is_undetermined(universe: Universe, domains: Domains) -> bool:
    """Return whether a path must be known, and what follows if it is missing: that is never the case."""

    def asked(names: Iterable[str]) -> Iterator[tuple[AbstractVariable, int]]:
        for variable in (universe.variables.get(("read", name)) for name in names):
            if variable is not None:
                yield variable, domains.get(ground_name(variable, None), variable.full)

    is_known = any(not mask & variable.missing for variable, mask in asked(PATH_PARTS))
    return is_known and any(mask == variable.missing for variable, mask in asked(_DERIVED))


def path_parts(universe: Universe, domains: Domains) -> dict[int, Value]:
    """Return a path, its name and its extension within *domains*, by variable; nothing where they are free.

    Raises:
        IncompleteError: none were hit on, and it is not proved that there are none.
    """
    variables = {name: universe.variables["read", name] for name in PATH_PARTS if ("read", name) in universe.variables}
    asked = {name: domains.get(ground_name(variable, None), variable.full) for name, variable in variables.items()}
    known = {name: mask & variables[name].known for name, mask in asked.items() if mask != variables[name].full}
    if len(known) < 2 or not all(known.values()):
        return {}
    for path in islice(_paths(variables, known), _MOST_TRIES):
        parts = {name: derive(path) for name, derive in _DERIVATIONS.items() if name in variables}
        if all(variables[name].mask_of_text(parts[name]) & mask for name, mask in known.items()):
            return {ground_name(variables[name], None): parts[name] for name in variables}
    raise IncompleteError


def _paths(variables: dict[str, AbstractVariable], known: dict[str, int]) -> Iterator[str]:
    """Yield candidate paths built from the required parts."""
    candidates = (
        [str(value) for i, value in enumerate(variables[name].values) if known[name] >> i & 1]
        if name in known
        else [""]
        for name in PATH_PARTS
    )
    for extension, name, path in product(*candidates):
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
