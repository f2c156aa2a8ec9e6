"""Files of other tools and of other kinds, recognized by their first signs: one finding that names them."""

import re

from gpurules.diagnostics import Diagnostic
from gpurules.rules.yaml.nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence, YamlSource, problem_at

RULESET = "a ruleset"
TESTS = "a test of rules"
_HINTS = {
    RULESET: "a ruleset is a mapping with version, name and rules",
    TESTS: "a test starts with kind: gpurules/test",
}
_COMMANDS = {"gpurules/test": "gpurules test runs it", "gpurules/ruleset": "gpurules lint checks it"}
_KEYS = {
    "groups": "Prometheus alerting rules",
    "rule_files": "unit tests of Prometheus alerting rules",
    "scrape_configs": "a Prometheus configuration",
    "apiVersion": "a Kubernetes resource",
    "gpus": "a snapshot",
    "cases": TESTS,
    "repos": "a pre-commit configuration",
    "services": "a Compose file",
    "runs": "a SARIF report",
    "findings": "a baseline of findings",
    "gpu_devices": "a workload",
    "size": "a transfer",
}
_CARD = re.compile(r"card\d+")
_TEXTS = (
    (
        r"\A\s*\{\{|^[ \t]*\{\{-? ?(?:if|range|with|define|end|/\*)",
        "a template (Helm or Jinja)",
    ),
    (r"\A(?:#[^\n]*\n)*# (?:HELP|TYPE) ", "metrics of a Prometheus exporter"),
    (r"\A(?:#[^\n]*\n|[ \t\r]*\n)*\w+\{\w+=\"[^\n]*\} [-+.\dN]", "metrics of a Prometheus exporter"),
    (r"\A\s*<[?!\w]", "XML or HTML"),
    (
        r"^\| NVIDIA-SMI |NVSMI LOG|^NVIDIA System Management Interface|\A\s*# gpu +\w|\AGPU \d+: ",
        "output of nvidia-smi",
    ),
    (r"ROCm System Management Interface", "output of rocm-smi"),
    (r"\A\s*\{[^\n]*\}[ \t\r]*\n\s*\{[^\n]*\}", "records, one per line (JSONL)"),
    (r"\A\s*\d{4}/\d\d/\d\d \d\d:\d\d:\d\d[.\d]*,", "a log of nvidia-smi (CSV)"),
    (r"\A(?:#[^\n]*\n|[ \t\r]*\n)*DCGM_FI_\w+\s*,", "a list of DCGM fields (CSV)"),
    (
        r"\A(?:#[^\n]*\n|[ \t\r]*\n)*[^\n,:{}\[\]\"']+,[^\n,:{}\"']+(?:,[^\n:{}]*)?\n[^\n,]+,[^\n,]+",
        "a table (CSV)",
    ),
    (
        r"\A(?:[ \t]*#[^\n]*\n|[ \t\r]*\n)*(?:\[[\w.-]+\][ \t\r]*\n|[\w-]+ = [^\n:]*(?:\n|\Z))",
        "a configuration (TOML or INI)",
    ),
)
_REMEDIES = {"a template (Helm or Jinja)": "render the template first, and check the result"}
_SIGNS = 64 * 1024  # how much of a text is looked at


def foreign_text(text: str, path: str | None, wanted: str = RULESET) -> Diagnostic | None:
    """Return the one finding for a text that is another tool's and no YAML that could be ours."""
    for sign, what in _TEXTS:
        if re.compile(sign, re.MULTILINE).search(text, 0, _SIGNS):  # hardly ever asked, so not compiled at the start
            start = len(text) - len(text.lstrip())
            end = text.find("\n", start)
            place = YamlScalar(YamlSource(text, path), start, len(text) if end < 0 else end, "", "")
            return problem_at(
                place, "GPR405", f"this looks like {what}, not {wanted}", _REMEDIES.get(what, _HINTS[wanted])
            )
    return None


def foreign_document(root: YamlNode, wanted: str = RULESET) -> Diagnostic | None:
    """Return the one finding for a file that is YAML and not what is *wanted* at all."""
    hint = _HINTS[wanted]
    if not isinstance(root, YamlMapping):
        what = "a list" if isinstance(root, YamlSequence) else "a string"
        known = None if isinstance(root, YamlSequence) else foreign_text(root.source.text, root.source.path, wanted)
        return known or problem_at(root, "GPR405", f"the file is {what}, not {wanted}", hint)
    kind = root.get("kind")
    if isinstance(kind, YamlScalar) and kind.text.startswith("gpurules/"):
        ours = "gpurules/ruleset" if wanted == RULESET else "gpurules/test"
        if kind.text == ours:
            return None
        hint = _COMMANDS.get(kind.text, hint)
        return problem_at(kind, "GPR405", f"this is a file of kind {kind.text}, not {wanted}", hint)
    if any(key in root.keys for key in _OURS[wanted]):
        return None
    others = _KEYS | ({"rules": RULESET, "extends": RULESET} if wanted == TESTS else {})
    for key, what in others.items():
        if key in root.keys and what != wanted:
            named = f" ({kind.text})" if key == "apiVersion" and isinstance(kind, YamlScalar) else ""
            return problem_at(root.keys[key], "GPR405", f"this looks like {what}{named}, not {wanted}", hint)
    if any(_CARD.fullmatch(key) for key in root.keys):
        return problem_at(root, "GPR405", f"this looks like output of rocm-smi, not {wanted}", hint)
    return None


_RULESET_KEY = re.compile(
    rb"""(?:^|[{,])\s*["']?(?:rules|extends|signals|define|inputs|settings|fields|file_types)["']?\s*:""", re.MULTILINE
)


def is_like_ruleset(data: bytes) -> bool:
    """Return whether *data* has a key that only a ruleset has, so that lines of it may be shown.

    >>> is_like_ruleset(b"name: x\\nrules:\\n"), is_like_ruleset(b'{"rules": []}'), is_like_ruleset(b"PATH=/bin")
    (True, True, False)
    """
    return not data.strip() or _RULESET_KEY.search(data) is not None


_OURS = {RULESET: ("rules", "extends"), TESTS: ("rulesets", "cases", "properties", "replay")}
