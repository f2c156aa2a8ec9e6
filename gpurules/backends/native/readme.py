"""The README of generated source: what it is, how it was generated, and how to use it."""

from gpurules.backends.native.comments import comment_lines
from gpurules.backends.native.program import NativeProgram

_USES = {
    "go": "Call `Open(path)` once for the state file that `gpurules run --publish` writes, then for each transfer "
    "`reader.Bound().Decide(&transfer, &workload)`; or fill a `State` and call `Bind`.",
    "c": "Call `{0}_reader_open` once for the state file that `gpurules run --publish` writes, then for each transfer "
    "`{0}_decide({0}_reader_bound(&reader), …)`; or fill a `{0}_state` and call `{0}_bind`.",
}
_BUILDS = {
    "go": "It needs only Go 1.19; the folder is a module of its own.",
    "c": "It needs only C11 and POSIX: compile `{0}.c`, link with `-lm`, include `{0}.h`.",
}


def readme(program: NativeProgram, target: str, name: str) -> str:
    """Return the README of the source generated for *program* by *target* under *name*."""
    title = " ".join(comment_lines(program.name))
    lines = [
        f"# {title}, compiled by gpurules",
        "",
        f"Generated from the ruleset `{title}` (version `{program.version}`); do not edit, build it again:",
        f"`gpurules build RULESET --target {target} {'--package' if target == 'go' else '--prefix'} {name} -o DIR`.",
        _BUILDS[target].format(name),
        "",
        _USES[target].format(name),
        "A decision reports its basis: fresh telemetry, none (it is neutral), or a different ruleset of the agent.",
        "Conditions have the same meaning as in gpurules; effects such as webhooks stay with the agent.",
    ]
    if program.left_out:
        lines += ["", "Skipped, because this target cannot express them:"]
        lines += [
            f"- `{' '.join(comment_lines(rule))}`: {' '.join(comment_lines(why))}" for rule, why in program.left_out
        ]
    return "\n".join([*lines, ""])
