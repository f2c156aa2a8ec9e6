"""A ruleset in JSON is JSON after its fixes too."""

import json

import pytest
import yaml

from gpurules.diagnostics import CATALOGUE, DEFAULT_CODES
from gpurules.linter import Policy, lints
from gpurules.linter.findings.fixing import fix
from tests.conftest import GOLDEN

FIXED = sorted(
    folder.name
    for folder in (GOLDEN / "checks").iterdir()
    if (folder / "bad.yaml").exists() and CATALOGUE[folder.name].fix
)
OF_YAML = {"GPR006", "GPR113", "GPR704", "GPR901", "GPR904"}
"""What only YAML has: plain texts that are read as something else, layout, comments; and a field that is made up."""


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("code", [code for code in FIXED if code not in OF_YAML])
def test_a_fix_leaves_json(code: str, indent: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN / "checks" / code)
    data = yaml.safe_load((GOLDEN / "checks" / code / "bad.yaml").read_text(encoding="utf-8"))
    policy = Policy(DEFAULT_CODES | {code})
    done = fix(json.dumps(data, indent=indent), "bad.json", lambda text: lints(text, "bad.json", None, policy), True)
    assert done.applied[code] > 0
    json.loads(done.text)
