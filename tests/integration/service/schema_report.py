"""Thousands of generated requests to every operation of a running agent: ``make api`` runs it and keeps the report.

Usage: python -m tests.integration.service.schema_report FOLDER [EXAMPLES]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.integration.service.agents import RULES, SOURCE

ADMIN = "admin-0123456789abcdef"


def program() -> str | None:
    """Return schemathesis, None where it is not installed."""
    beside = Path(sys.executable).with_name("schemathesis")
    return str(beside) if beside.exists() else shutil.which("schemathesis")


def command(address: str, examples: int, *more: str) -> list[str]:
    """Return what asks the agent at *address*, whose admin token is ``ADMIN``."""
    found = program()
    assert found is not None
    options = ["--phases", "coverage,fuzzing", "-n", str(examples), "--seed", "7", "--no-color"]
    options += ["-H", f"Authorization: Bearer {ADMIN}"]
    options += ["--exclude-path", "/v1/watch"]  # a stream does not end
    # a bearer token that is removed from a request is one that the generator does not know of
    options += ["--exclude-checks", "ignored_auth"]
    return [found, "run", f"{address}/openapi.json", *options, *more]


def main(folder: Path, examples: int) -> int:
    """Start an agent, ask it, and write the reports into *folder*."""
    if program() is None:
        raise SystemExit("schemathesis is not installed; pip install 'gpurules[test]'")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        rules, tokens = Path(place, "node.yaml"), Path(place, "tokens")
        rules.write_text(RULES)
        tokens.write_text(f"admin {ADMIN}\n")
        serve = [sys.executable, "-m", "gpurules", "serve", str(rules), "--source", SOURCE]
        serve += ["--bind", "tcp:127.0.0.1:0", "--token-file", str(tokens)]
        log = folder / "agent.log"
        with log.open("wb") as out:
            agent = subprocess.Popen(serve, stdout=out, stderr=out)
        try:
            while "listening on" not in log.read_text():
                if agent.poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(0.05)  # a script of its own, without the package of the tests
            address = next(line.split()[-1] for line in log.read_text().splitlines() if "listening on" in line)
            asked = command(address, examples, "--report", "junit,ndjson", "--report-dir", ".")
            code = subprocess.run(asked, env={**os.environ, "COLUMNS": "120"}, cwd=folder).returncode
        finally:
            agent.terminate()
            agent.wait(30)
    if "Traceback" in log.read_text():
        print(f"the agent logged a traceback: {log}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100))
