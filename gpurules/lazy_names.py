"""Names of a package that are imported at their first use, so that a command pays for what it uses (ADR 0002)."""

from collections.abc import Callable, Mapping


def lazy_names(package: dict[str, object], homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a *package*, given by its globals, that imports each name from its home.

    Type checkers, and readers, see the same imports under ``TYPE_CHECKING`` in the package.
    """

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(f"{package['__name__']}.{homes[name]}"), name)
        package[name] = value
        return value

    return get
