import json

from gpurules.diagnostics import Diagnostic, LocatedEdit, Location, Related, diagnostic_at

PLACE = Location(3, 5, 3, 9)


def test_a_diagnostic_knows_what_its_code_means() -> None:
    found = diagnostic_at("GPR101", "no field", "a.yaml", PLACE, "did you mean x?")
    assert (found.name, found.kind, found.severity) == ("unknown-field", "unknown-name", "error")
    assert found.place == ("a.yaml", 3, 5)
    assert diagnostic_at("GPR101", "m", None, PLACE).place == ("", 3, 5)


def test_it_is_json_with_what_it_has() -> None:
    plain = diagnostic_at("GPR101", "no field", None, PLACE).to_dict()
    assert not {"related", "fix", "rule", "witness"} & plain.keys()
    full = Diagnostic(
        "GPR108",
        "m",
        "a.yaml",
        *(3, 5, 3, 9),
        related=(Related("there", "b.yaml", Location(1, 1, 1, 2)),),
        edits=(LocatedEdit(PLACE, "'model'"),),
        safe=True,
        rule="r",
        witness="w",
    ).to_dict()
    assert json.loads(json.dumps(full)) == full
    assert full["related"] == [{"message": "there", "path": "b.yaml", "line": 1, "column": 1}]
    assert full["fix"]["applicability"] == "safe"  # type: ignore[index]
    assert (full["rule"], full["witness"]) == ("r", "w")
