from gpurules.fields import Scope
from gpurules.language.terms import ir
from tests.factories import checked


def test_every_term_of_a_tree_is_walked_once() -> None:
    shared = checked("gpu_memory > 80").term
    tree = ir.And((shared, ir.Not(shared)))
    assert [type(t).__name__ for t in ir.walk(tree)] == ["And", "Compare", "Read", "Constant", "Not"]


def test_fields_of_windows_count_too() -> None:
    term = checked("avg_over_time(gpu_power[1m]) > 5W AND path GLOB '*'").term
    assert {f.name for f in ir.fields(term)} == {"gpu_power", "path"}
    assert ir.scopes(term) == {Scope.GPU, Scope.TRANSFER}


def test_a_signal_is_a_fact_of_its_gpus_or_of_the_node() -> None:
    assert ir.scopes(ir.Signal("s", True)) == {Scope.GPU}
    assert ir.scopes(ir.Signal("s", False)) == {Scope.NODE}
    assert ir.is_per_gpu(ir.Signal("s", True))


def test_terms_are_equal_wherever_they_stand_and_however_they_were_spelled() -> None:
    assert checked("gpu_memory > 80").term == checked("  (gpu_memory)   >  80.0%").term
    assert checked("transfer_size > 1GiB").term == checked("transfer_size > 1024MB").term
    assert checked("transfer_size > 1GiB").term != checked("transfer_size >= 1GiB").term
