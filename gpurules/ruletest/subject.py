"""The ruleset that a test file is about."""

from collections.abc import Callable

from gpurules.diagnostics import Severity
from gpurules.rules import Loaded, Ruleset, RulesetError, examine, examine_file
from gpurules.rules.merge import read_file, resolved
from gpurules.ruletest.case import TestFile


def ruleset_paths(tests: TestFile) -> list[str]:
    """Return the files that *tests* name, as paths that can be read, or ``gpurules:NAME``."""
    return [resolved(name, tests.path) for name in tests.rulesets]


def load_rulesets(tests: TestFile, read: Callable[[str], bytes] = read_file) -> Ruleset:
    """Return the one ruleset that the files of *tests* come to; *read* reads them.

    Raises:
        RulesetError: one of them is wrong, or can not be read.
    """
    paths = ruleset_paths(tests)
    if len(paths) == 1:
        return _sound(_examined(paths[0], read))
    listed = "".join(f"  - '{name.replace(chr(39), chr(39) * 2)}'\n" for name in tests.rulesets)
    return _sound(examine(f"version: 1\nname: all\nextends:\n{listed}", tests.path, None, read))


def _examined(path: str, read: Callable[[str], bytes]) -> Loaded:
    try:
        data = read(path)
    except (OSError, ValueError):
        return examine_file(path)  # which says why
    return examine(data, path, None, read)


def _sound(loaded: Loaded) -> Ruleset:
    if loaded.ruleset is None:
        raise RulesetError(d for d in loaded.diagnostics if d.severity is Severity.ERROR)
    return loaded.ruleset
