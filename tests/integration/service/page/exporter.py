"""A dcgm-exporter that says what a test wants: hot GPUs, readings that are missing, none at all."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler

from tests.http_server import QuietHTTPServer

METRICS = {
    "temperature": "GPU_TEMP",
    "utilization": "GPU_UTIL",
    "power": "POWER_USAGE",
    "power_limit": "POWER_MGMT_LIMIT",
    "used": "FB_USED",
    "free": "FB_FREE",
}
USUAL = {
    "temperature": 40.0,
    "utilization": 55.0,
    "power": 300.0,
    "power_limit": 700.0,
    "used": 20_000.0,
    "free": 60_000.0,
}


class Exporter:
    """Serves the metrics of two boards, the second with one MIG instance."""

    def __init__(self) -> None:
        self.readings: list[dict[str, float]] = [dict(USUAL), dict(USUAL)]
        self.is_down = False
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.text().encode()
                self.send_response(503 if exporter.is_down else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = QuietHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def source(self) -> str:
        return f"scrape:http://127.0.0.1:{self._server.server_port}/metrics"

    def reset(self) -> bool:
        """Give the usual readings again; return whether there were others."""
        changed = self.is_down or self.readings != [USUAL, USUAL]
        self.readings = [dict(USUAL), dict(USUAL)]
        self.is_down = False
        return changed

    def text(self) -> str:
        instance = {name: self.readings[1][name] / 4 for name in ("used", "free") if name in self.readings[1]}
        boards = [_lines(f'gpu="{index}",UUID="GPU-{index}"', found) for index, found in enumerate(self.readings)]
        return "".join(boards) + _lines('gpu="1",UUID="GPU-1",GPU_I_ID="3",GPU_I_PROFILE="1g.10gb"', instance)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


def _lines(labels: str, readings: Mapping[str, float]) -> str:
    named = f'{labels},Hostname="node-7",modelName="NVIDIA H100 80GB HBM3"'
    return "".join(f"DCGM_FI_DEV_{METRICS[name]}{{{named}}} {value}\n" for name, value in readings.items())
