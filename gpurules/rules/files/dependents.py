"""Which rulesets depend on which files: those that extend them, directly or through others."""

from collections.abc import Callable, Iterable

from gpurules.rules.files.merge import SHIPPED, identity, read_file, resolve_reference
from gpurules.rules.yaml.nodes import YamlMapping, YamlScalar, YamlSequence
from gpurules.rules.yaml.reader import read_yaml


def dependents(
    changed: Iterable[str], candidates: Iterable[str], read: Callable[[str], bytes] = read_file
) -> list[str]:
    """Return those of *candidates* that extend a file of *changed*, however far, in their order.

    A file that cannot be read extends nothing; one that is gone can be among those that changed.
    """
    search = _Search({identity(path) for path in changed}, read)
    return [path for path in candidates if search.extends_a_changed(path)]


class _Search:
    """Follows ``extends`` from file to file, reading each only once."""

    def __init__(self, changed: set[str], read: Callable[[str], bytes]) -> None:
        self._changed, self._read = changed, read
        self._bases: dict[str, tuple[str, ...]] = {}

    def extends_a_changed(self, path: str) -> bool:
        """Return whether the file at *path* has a changed file among its bases, or among theirs."""
        seen, waiting = {identity(path)}, list(self._bases_of(path))
        while waiting:
            base = waiting.pop()
            own = identity(base)
            if own in self._changed:
                return True
            if own not in seen:
                seen.add(own)
                waiting += self._bases_of(base)
        return False

    def _bases_of(self, path: str) -> tuple[str, ...]:
        own = identity(path)
        if own not in self._bases:
            self._bases[own] = self._read_bases(path)
        return self._bases[own]

    def _read_bases(self, path: str) -> tuple[str, ...]:
        if path.startswith(SHIPPED):
            return ()
        try:
            data = self._read(path)
        except (OSError, ValueError):
            return ()
        if b"extends" not in data:
            return ()
        root = read_yaml(data, path).root
        extends = root.get("extends") if isinstance(root, YamlMapping) else None
        found = []
        for entry in extends.items if isinstance(extends, YamlSequence) else ():
            reference = entry.get("from") if isinstance(entry, YamlMapping) else entry
            if isinstance(reference, YamlScalar) and reference.text:
                found.append(resolve_reference(reference.text, path))
        return tuple(found)
