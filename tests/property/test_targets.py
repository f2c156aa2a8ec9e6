"""A few of the random conditions that ``python -m tests.differential`` compares: Python, Go and C agree."""

from collections import Counter
from pathlib import Path

import pytest

from gpurules.backends import Facts, PythonBackEnd
from gpurules.model import GPU, Snapshot, Transfer
from tests.differential import disagreements, drawn
from tests.factories import checked
from tests.targets import Case, CDriver, drivers, evaluate

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not drivers(), reason="neither Go nor gcc is installed")
def test_random_conditions_have_one_truth(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    targets = [CDriver(("-O0",)) if target.name == "c" else target for target in drivers()]
    assert [*disagreements(targets, drawn(60, 11), tmp_path, counts)] == []
    for target in targets:
        assert counts[f"{target.name} compared"] >= 50


ODD = [
    "'' IN ('a') AND gpu_healthy",  # nothing per GPU is left of it, and there may be no GPU
    "transfer_size > 1 OR gpu_healthy",
    "transfer_size * 3 / 7 > 3952858728080846884",
    "transfer_size + transfer_size > 18446744073709551610",
    "path MATCHES '(?i)K'",
    "lower(path) == 'οδός'",
    "upper(path) == 'STRASSE'",
    "file_name GLOB '[!a-m]*'",
    "NOT (gpu_memory > 80) OR gpu_memory IS MISSING",
]


@pytest.mark.skipif(not drivers(), reason="neither Go nor gcc is installed")
@pytest.mark.parametrize("driver", drivers(), ids=lambda driver: driver.name)
def test_what_is_easily_got_wrong_has_one_truth(driver: object, tmp_path: Path) -> None:
    gpus = (GPU(index=0, uuid="GPU-0", memory=81), GPU(index="1:0", uuid="GPU-1"))
    paths = (None, "", "/d/\u212a.PKL", "ΟΔΌΣ", "Straße", "/n/zeta")
    facts = []
    for number, path in enumerate(paths):
        snapshot = Snapshot(timestamp=1000.0, gpus=gpus[: number % 3])
        transfer = Transfer(path=path, size=2**63 - 1 - number)
        facts.append(Facts(snapshot, snapshot.gpus, transfer))
    cases = []
    for text in ODD:
        found = checked(text)
        cases += [Case(found.term, found.per_gpu, one) for one in facts]
    target = CDriver(("-O0",)) if driver.name == "c" else driver  # type: ignore[attr-defined]
    for case, found_ in zip(cases, evaluate(target, cases, tmp_path), strict=True):  # type: ignore[arg-type]
        wanted = PythonBackEnd().evaluate(case.term, case.per_gpu, case.facts)
        assert (found_.value, found_.devices) == (wanted.value, wanted.devices), case  # type: ignore[union-attr]
