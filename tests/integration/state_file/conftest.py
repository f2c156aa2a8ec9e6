from pathlib import Path

import pytest

from tests.integration.state_file.probes import build_c, build_go
from tests.targets import GCC, GO


@pytest.fixture(scope="session", params=["go", "c"])
def probe_command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder: Path = tmp_path_factory.mktemp(f"probe-{request.param}")
    if request.param == "go":
        if GO is None:
            pytest.skip("Go is not installed")
        return build_go(folder)
    if GCC is None:
        pytest.skip("gcc is not installed")
    return build_c(folder)
