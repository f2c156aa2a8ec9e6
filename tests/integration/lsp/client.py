"""A small editor: speaks the language server protocol, one message at a time, to a real server process."""

import json
import os
import queue
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.prefork import Forked, start

WAIT_SECONDS = 60.0

Json = Any


class Editor:
    """Starts a language server, by default ``gpurules lsp``, in a folder and talks to it."""

    command: tuple[str, ...] | None = None
    """Another server than ours."""
    reports_versions = True

    def __init__(self, folder: Path, encodings: list[str] | None = None, **environment: str) -> None:
        self.folder = folder
        self.notifications: list[dict[str, Json]] = []
        self._read = 0
        self._encodings = encodings
        self._last_id = 0
        self._versions: dict[str, int] = {}
        self._messages: queue.Queue[dict[str, Json] | None] = queue.Queue()
        cache = {"XDG_CACHE_HOME": str(folder / ".cache"), "TMPDIR": str(folder)}
        self.process = self._start({**os.environ, **cache, **environment})
        threading.Thread(target=self._listen, daemon=True).start()

    def _start(self, environment: dict[str, str]) -> "subprocess.Popen[bytes] | Forked":
        if self.command is None:
            return start(["lsp", "--stdio"], self.folder, environment)
        pipe = subprocess.PIPE
        return subprocess.Popen(self.command, cwd=self.folder, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)

    def __enter__(self) -> "Editor":
        capabilities: Json = {"textDocument": {"completion": {"completionItem": {"snippetSupport": False}}}}
        if self._encodings is not None:
            capabilities["general"] = {"positionEncodings": self._encodings}
        folder = {"uri": self.folder.as_uri(), "name": "here"}
        asked = {"processId": None, "rootUri": folder["uri"], "workspaceFolders": [folder]}
        self.capabilities = self.ask("initialize", {**asked, "capabilities": capabilities})["capabilities"]
        self.notify("initialized", {})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None and kind is None:
            self.stop()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()

    def stop(self) -> int:
        """Shut the server down as the protocol says, and return its exit code; nothing was said on stderr."""
        self.ask("shutdown", None)
        self.notify("exit", None)
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        assert said == b"", said.decode()
        return self.process.wait(WAIT_SECONDS)

    def send(self, data: bytes) -> None:
        """Send bytes, whatever they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def message(self, content: Json) -> None:
        """Send one message."""
        body = json.dumps({"jsonrpc": "2.0", **content}).encode()
        self.send(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: Json) -> None:
        """Send a notification."""
        self.message({"method": method, "params": params})

    def ask(self, method: str, params: Json) -> Json:
        """Send a request and return its result."""
        answer = self.answer(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    def answer(self, method: str, params: Json) -> dict[str, Json]:
        """Send a request and return the whole answer, an error too."""
        return self.answer_to(self.send_request(method, params))

    def send_request(self, method: str, params: Json) -> int:
        """Send a request and return its number."""
        self._last_id += 1
        self.message({"id": self._last_id, "method": method, "params": params})
        return self._last_id

    def answer_to(self, number: int) -> dict[str, Json]:
        """Return the whole answer to the request of that number."""
        return self._wait(lambda m: m.get("id") == number and "method" not in m)

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, name: str, text: str | None = None) -> str:
        """Open a file, with *text* instead of what is saved; return its address."""
        uri = self.uri(name)
        content = (self.folder / name).read_bytes().decode() if text is None else text
        version = self._versions[uri] = self._versions.get(uri, 0) + 1
        item = {"uri": uri, "languageId": "yaml", "version": version, "text": content}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, text: str) -> int:
        """Type: the text of *uri* is another now; return its version."""
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        return self._versions[uri]

    def diagnostics(self, uri: str, code: str | None = None) -> list[dict[str, Json]]:
        """Return what the server says next of the latest version of *uri*, waiting until it does.

        With *code*, what it says once a finding of that code is among it: those of an analysis are said last.
        """
        version = self._versions.get(uri)

        def is_it(message: dict[str, Json]) -> bool:
            params = message.get("params") or {}
            is_report = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri
            has_code = is_report and (code is None or code in [one.get("code") for one in params["diagnostics"]])
            return has_code and (params.get("version") == version or not self.reports_versions)

        while self._read < len(self.notifications):
            self._read += 1
            if is_it(self.notifications[self._read - 1]):
                break
        else:
            self._wait(is_it)
            self._read = len(self.notifications)
        found: list[dict[str, Json]] = self.notifications[self._read - 1]["params"]["diagnostics"]
        return found

    def published(self, uri: str) -> int:
        """Return how often the findings of *uri* were published so far."""
        return sum(
            m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri
            for m in self.notifications
        )

    def _listen(self) -> None:
        out = self.process.stdout
        assert out is not None
        while True:
            length = 0
            while (line := out.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                self._messages.put(None)
                return
            self._messages.put(json.loads(out.read(length)))

    def _wait(self, is_it: Any) -> dict[str, Json]:
        ends = time.monotonic() + WAIT_SECONDS
        while True:
            message = self._messages.get(timeout=max(0.1, ends - time.monotonic()))
            assert message is not None, "the server has gone"
            if "method" in message and "id" in message:
                self.message({"id": message["id"], "result": None})
            elif "method" in message:
                self.notifications.append(message)
            if is_it(message):
                return message


def place(text: str, mark: str = "|") -> tuple[str, dict[str, int]]:
    """Return *text* without its one *mark*, and the position (in UTF-16) where that was."""
    before, after = text.split(mark)
    last = before.rpartition("\n")[2]
    return before + after, {"line": before.count("\n"), "character": len(last.encode("utf-16-le")) // 2}
