from gpurules.diagnostics import DiagnosedError, Location, diagnostic_at


def test_an_error_has_all_findings_in_order_of_place() -> None:
    late = diagnostic_at("GPR101", "late", "a.yaml", Location(9, 1, 9, 2))
    early = diagnostic_at("GPR103", "early", "a.yaml", Location(2, 7, 2, 8), "do this")
    error = DiagnosedError([late, early])
    assert error.diagnostics == (early, late)
    assert str(error) == "a.yaml:2:7: GPR103 early (do this)\na.yaml:9:1: GPR101 late"


def test_a_finding_of_no_file_has_a_place_too() -> None:
    assert str(DiagnosedError([diagnostic_at("GPR003", "m", None, Location(1, 4, 1, 5))])) == "1:4: GPR003 m"
