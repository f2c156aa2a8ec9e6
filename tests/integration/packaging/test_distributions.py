"""The grammars and rulesets are found from a wheel, a wheel made from an sdist, and an editable install."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.cases import representative

pytestmark = pytest.mark.slow

SHIPPED = ("gpurules", "grammars", "rulesets", "docs", "changelog.d", "tests/conftest.py")
FILES = ("pyproject.toml", "Makefile", "README.md", "LICENSE", "CHANGELOG.md")
PROBE = """
import gpurules
from gpurules.resources import resource_root
print(gpurules.__file__)
for folder in ("grammars", "rulesets"):
    print(folder, *sorted(entry.name for entry in resource_root(folder).iterdir()))
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path, into: Path) -> Path:
    """Build without a network: the back end runs in this environment."""
    hook = f"import hatchling.build; print(hatchling.build.build_{kind}({str(into)!r}))"
    return into / run(sys.executable, "-c", hook, cwd=source).strip().splitlines()[-1]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A copy of the checkout, so that building leaves nothing behind in it."""
    copy = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        ignored = shutil.ignore_patterns("__pycache__")
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, ignore=ignored)
        else:
            (copy / name).parent.mkdir(exist_ok=True)
            shutil.copy(root / name, copy / name)
    for name in FILES:
        shutil.copy(root / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def sdist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel_of_sdist(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    return build("wheel", next(unpacked.iterdir()), tmp_path_factory.mktemp("wheel_of_sdist"))


@pytest.fixture(scope="module")
def editable(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("editables")
    return build("editable", source, tmp_path_factory.mktemp("editable"))


def installed(distribution: Path, home: Path) -> Path:
    """Install into a fresh environment that sees the libraries of this one behind its own; return its programs."""
    venv.create(home, with_pip=False, symlinks=True)
    programs = home / "bin"
    run(sys.executable, "-m", "pip", "--python", programs / "python", "install", "-q", "--no-deps", "--no-index",
        "--disable-pip-version-check", distribution, cwd=home)  # fmt: skip
    library = next((home / "lib").glob("python*/site-packages"))
    (library / "zz_libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


@pytest.mark.parametrize("kind", representative(["wheel_of_sdist", "wheel", "editable"], 1))
def test_an_installed_distribution_finds_what_it_ships(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, root: Path, source: Path
) -> None:
    programs = installed(request.getfixturevalue(kind), tmp_path / "venv")
    package, grammars, rulesets = run(programs / "python", "-I", "-c", PROBE, cwd=tmp_path).splitlines()
    home = source if kind == "editable" else tmp_path
    assert Path(package).is_relative_to(home)
    assert grammars.split()[1:] == sorted(p.name for p in (root / "grammars").iterdir())
    assert rulesets.split()[1:] == sorted(p.name for p in (root / "rulesets").iterdir())


def test_the_program_runs_from_a_wheel(wheel: Path, tmp_path: Path) -> None:
    programs = installed(wheel, tmp_path / "venv")
    assert run(programs / "gpurules", "version", cwd=tmp_path).startswith("gpurules ")


def test_the_wheel_has_the_type_marker_and_the_license(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "gpurules/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_brings_no_other_top_level_name(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"gpurules"}


def test_the_sdist_has_what_is_needed_to_test_it(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"Makefile", "LICENSE", "tests/conftest.py", "grammars/condition.lark", "README.md"} <= names
