"""``gpurules run --client``: a client that is steered by a setting follows the agent, by a stand-in for rclone."""

import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from tests.waiting import wait_until, while_running

RULES = """
version: 1
name: node
rules:
  - {name: slow, condition: gpu_count > 0, action: limit_bandwidth, parameters: {max_bandwidth: 1MB/s}}
"""


class StandIn(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers core/bwlimit as rclone does, and notes each rate that it was given."""

    daemon_threads = True

    def __init__(self, path):
        self.rate, self.given = -1, []
        super().__init__(str(path), Handler)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "rate" in asked:
            self.server.given.append(asked["rate"])
            self.server.rate = -1 if asked["rate"] == "off" else int(asked["rate"].removesuffix("B"))
        answer = json.dumps({"bytesPerSecondTx": self.server.rate, "bytesPerSecondRx": self.server.rate}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def address_string(self):
        return "rclone"

    def log_message(self, *_):
        pass


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "node.rules.yaml").write_text(RULES)
    return tmp_path / "node.rules.yaml"


def agent(rules, tmp_path, *options, source="synthetic:gpus=1,seconds=100000000"):
    command = [sys.executable, "-m", "gpurules", "run", rules, "--source", source, *options]
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_a_client_follows_the_agent_and_is_put_back_at_its_end(rules, tmp_path):
    with StandIn(tmp_path / "rc.sock") as rclone:
        threading.Thread(target=rclone.serve_forever, daemon=True).start()
        runs = agent(rules, tmp_path, "--state", tmp_path / "s.json", "--client", f"rclone={tmp_path / 'rc.sock'}")
        wait_until(while_running(runs, lambda: rclone.given), 60, "the client is set")
        runs.send_signal(signal.SIGTERM)
        runs.communicate(timeout=60)
        rclone.shutdown()
    assert runs.returncode == 0
    assert (rclone.given[0], rclone.given[-1], rclone.rate) == (f"{1024**2}B", "off", -1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--state", "s", "--client", "rclone=/nowhere.sock"], "core/bwlimit of rclone at /nowhere.sock cannot be"),
        (["--state", "s", "--client", "rclone"], "--client rclone needs an argument: rclone=SOCKET"),
        (["--state", "s", "--client", "rklone=x"], "rclone"),
        (["--state", "s", "--client", "s3=x"], "--client accepts readahead, rclone, juicefs"),
        (["--once", "--client", "rclone=x"], "remove --once and --dry-run"),
        (["--client", "rclone=x"], "--client requires live telemetry of this node"),
    ],
)
def test_a_client_that_cannot_follow_is_a_plain_error(rules, tmp_path, options, said):
    options = [str(tmp_path / "s") if each == "s" else each for each in options]
    runs = agent(rules, tmp_path, *options, source="synthetic:gpus=1,seconds=60")
    _, reported = runs.communicate(timeout=60)
    assert runs.returncode == 2
    assert said in " ".join(reported.split()) and "Traceback" not in reported
