"""What all tests share: the root of the checkout, and approved texts."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# the same examples in every run, and no clock: a slow machine is not a mistake
settings.register_profile(
    "full",
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("few", settings.get_profile("full"), max_examples=50)
settings.register_profile("long", settings.get_profile("full"), max_examples=3_000, derandomize=False)

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"


for name in ("CI", "GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR"):
    os.environ.pop(name, None)  # what is tested looks at them

# hundreds of tests start processes: each uses compiled modules, whatever the environment says
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# a shell that starts the tests in the background has them ignore Ctrl-C, and so would every process that they start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the approved texts; review them as prose")
    parser.addoption("--exhaustive", action="store_true", help="run also the tests that are marked exhaustive")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run two workers for each core, since half of their time they wait; exhaustive tests compute."""
    return (os.cpu_count() or 1) * (1 if config.getoption("--exhaustive") else 2)


def pytest_configure(config: pytest.Config) -> None:
    """Try more examples of each property where all tests are run; tests.cases counts by the profile."""
    profile = "full" if config.getoption("--exhaustive") else "few"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", profile))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the exhaustive tests, unless they are asked for."""
    if config.getoption("--exhaustive"):
        return
    left_out = {item for item in items if item.get_closest_marker("exhaustive")}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Keep 20,000 collected tests out of garbage collections, each of which walked them all in 0.3 s."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _fork_server() -> Iterator[None]:
    """End what tests.prefork has started."""
    yield
    from tests.prefork import stop

    stop()


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def data(root: Path) -> Path:
    """The folder of recordings of real devices and of files of other tools, where there is one beside the checkout."""
    folder = root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no recordings of real devices beside the checkout")
    return folder


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the approved one of that name (a path under ``tests/golden``)."""

    def check(name: str, text: str) -> None:
        approved = GOLDEN / name
        if request.config.getoption("--update-golden"):
            approved.parent.mkdir(parents=True, exist_ok=True)
            approved.write_text(text, encoding="utf-8")
        assert approved.exists(), f"no approved text {name}; make it with pytest --update-golden"
        assert text == approved.read_text(encoding="utf-8")

    return check


@pytest.fixture(scope="session")
def field(root: Path) -> Path:
    """The folder of field cases of telemetry, where there is one beside the checkout."""
    folder = root.parent / "shared" / "field" / "telemetry"
    if not folder.is_dir():
        pytest.skip("no field cases beside the checkout")
    return folder
