"""Starts real Prometheus servers: over series that are there already, or with targets and rules."""

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from gpurules.strict_json import loads
from tests.waiting import wait_until, while_running

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(
    PROMETHEUS is None or PROMTOOL is None, reason="Prometheus is not installed (apt install prometheus)"
)


def sample_line(series: str, value: float, at: float) -> str:
    """Return a sample as OpenMetrics, which has no blanks between labels."""
    compact = series.replace('", ', '",')
    return f"{compact} {value!r} {at:.3f}"


def backfill(folder: Path, families: Mapping[str, Sequence[str]]) -> None:
    """Make the data of a server in *folder* from the samples of each metric, written as OpenMetrics."""
    lines = [line for name, samples in families.items() for line in (f"# TYPE {name} gauge", *samples)]
    (folder / "metrics.txt").write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    made = [str(PROMTOOL), "tsdb", "create-blocks-from", "openmetrics", "metrics.txt", "data"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True, timeout=60)


@contextmanager
def prometheus_server(folder: Path, config: str = "global: {}\n", *options: str) -> Iterator[str]:
    """Run a server in *folder*; give its address once it is ready."""
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [str(PROMETHEUS), "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"]
    command += [f"--web.listen-address={address}", "--storage.tsdb.retention.time=100y", *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(while_running(process, lambda: _is_ready(address)), 60, "Prometheus answers")
            yield f"http://{address}"
        finally:
            process.kill()


def _is_ready(address: str) -> bool:
    try:
        urlopen(f"http://{address}/-/ready", timeout=5).close()
    except OSError:  # URLError is one
        return False
    return True


def ask(server: str, path: str, **parameters: object) -> list[dict[str, Any]]:
    """Return the result of a query: series with their ``values``."""
    with urlopen(f"{server}/api/v1/{path}?{urlencode(parameters)}", timeout=60) as answer:
        found = loads(answer.read())
    assert isinstance(found, dict) and found["status"] == "success", found
    return list(found["data"]["result"])
