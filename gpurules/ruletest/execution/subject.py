"""The ruleset that a test file is about."""

from collections.abc import Callable, Iterator

from gpurules.diagnostics import Diagnostic, Location, Severity, diagnostic_at
from gpurules.rules import Loaded, Ruleset, RulesetError, examine, examine_file
from gpurules.rules.files import SHIPPED, is_like_ruleset, read_file, resolve_reference, test_bounds
from gpurules.ruletest.case import TestFile


def ruleset_paths(tests: TestFile) -> list[str]:
    """Return the files that *tests* name, as paths that can be read, or ``gpurules:NAME``."""
    return [resolve_reference(name, tests.path) for name in tests.rulesets]


def load_rulesets(tests: TestFile, read: Callable[[str], bytes] = read_file) -> Ruleset:
    """Load and merge the rulesets that *tests* names; *read* reads them.

    Raises:
        RulesetError: one of them is wrong, or cannot be read.
    """
    paths = ruleset_paths(tests)
    if problems := list(_refused(tests)):
        raise RulesetError(problems)
    if len(paths) == 1:
        return _sound(_examined(paths[0], tests.path, read))
    listed = "".join(f"  - '{name.replace(chr(39), chr(39) * 2)}'\n" for name in tests.rulesets)
    return _sound(
        examine(f"version: 1\nname: all\nextends:\n{listed}", tests.path, None, read, test_bounds(tests.path))
    )


def _refused(tests: TestFile) -> Iterator[Diagnostic]:
    """Yield a finding for each file outside of the bounds of *tests*: it is not read."""
    named = [(name, path) for name, path in zip(tests.rulesets, ruleset_paths(tests)) if not path.startswith(SHIPPED)]
    bounds = test_bounds(tests.path) if named else None
    for name, path in named:
        if bounds is not None and (refusal := bounds.refusal(path)) is not None:
            message = f"the ruleset {name[:200]!r} is not tested: {refusal}"
            yield diagnostic_at("GPR408", message, tests.path, Location(1, 1, 1, 1), bounds.remedy)


def _examined(path: str, named_by: str, read: Callable[[str], bytes]) -> Loaded:
    try:
        data = read(path)
    except (OSError, ValueError):
        return examine_file(path)  # which says why
    if not is_like_ruleset(data):
        message = f"{path[:200]!r} is not a ruleset"
        return Loaded(None, (diagnostic_at("GPR408", message, named_by, Location(1, 1, 1, 1)),))
    return examine(data, path, None, read)


def _sound(loaded: Loaded) -> Ruleset:
    if loaded.ruleset is None:
        raise RulesetError(d for d in loaded.diagnostics if d.severity is Severity.ERROR)
    return loaded.ruleset
