"""The README beside generated source: what it is, where it is from, and how it is used."""

from gpurules.backends.native.comments import comment_lines
from gpurules.backends.native.program import NativeProgram

_USES = {
    "go": "Call `Open(path)` once for the state file that `gpurules run --publish` writes, then for each transfer "
    "`reader.Bound().Decide(&transfer, &workload)`; or fill a `State` and call `Bind`.",
    "c": "Call `{0}_reader_open` once for the state file that `gpurules run --publish` writes, then for each transfer "
    "`{0}_decide({0}_reader_bound(&reader), …)`; or fill a `{0}_state` and call `{0}_bind`.",
}
_BUILDS = {
    "go": "It needs Go 1.19 and nothing else; the folder is a module of its own.",
    "c": "It needs C11 and POSIX and nothing else: compile `{0}.c`, link with `-lm`, include `{0}.h`.",
}


def readme(program: NativeProgram, target: str, name: str) -> str:
    """Return the README of what *target* makes of *program* under *name*."""
    title = " ".join(comment_lines(program.name))
    lines = [
        f"# {title}, compiled by gpurules",
        "",
        f"Generated from the ruleset `{title}` (version `{program.version}`); do not edit, build it again:",
        f"`gpurules build RULESET --target {target} {'--package' if target == 'go' else '--prefix'} {name} -o DIR`.",
        _BUILDS[target].format(name),
        "",
        _USES[target].format(name),
        "A decision says what it rests on: fresh telemetry, none (it is neutral), or another ruleset of the agent.",
        "It means what gpurules means by it, on every condition; effects such as webhooks stay with the agent.",
    ]
    if program.left_out:
        lines += ["", "Left out, because this target cannot say them:"]
        lines += [
            f"- `{' '.join(comment_lines(rule))}`: {' '.join(comment_lines(why))}" for rule, why in program.left_out
        ]
    return "\n".join([*lines, ""])
