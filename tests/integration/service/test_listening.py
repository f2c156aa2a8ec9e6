"""Where an agent listens, who may ask it, and how it begins and ends."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import gpurules
from gpurules.errors import GpurulesError
from tests.integration.service.agents import RULES, SOURCE, Answer, RunningAgent, Start
from tests.waiting import wait_until

USE, ADMIN = "use-0123456789abcdef", "admin-0123456789abcdef"
TRANSFER = {"transfer": {"path": "/a"}}


def certificate(folder: Path, days: int = 1) -> tuple[Path, Path]:
    """Make a certificate for the loopback; with negative *days* it has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=10)).not_valid_after(now + timedelta(days=days))
    alternative = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pair = folder / "cert.pem", folder / "key.pem"
    pair[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pair[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    return pair


def tcp(agent: RunningAgent) -> tuple[str, int]:
    address = next(one for one in agent.addresses if one.startswith("http"))
    host, _, port = address.partition("://")[2].rpartition(":")
    return host, int(port)


def ask(agent: RunningAgent, method: str, path: str, token: str | None = None, body: object = None) -> Answer:
    connection = HTTPConnection(*tcp(agent), timeout=10)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body)
    connection.request(method, path, data, headers | ({"Content-Type": "application/json"} if data else {}))
    response = connection.getresponse()
    answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    connection.close()
    return answer


def refused(*options: str, folder: Path) -> str:
    """Return what an agent says that does not start."""
    (folder / "node.yaml").write_text(RULES)
    command = [sys.executable, "-m", "gpurules", "serve", str(folder / "node.yaml"), "--source", SOURCE, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def guarded(start: Start, tmp_path_factory: pytest.TempPathFactory) -> RunningAgent:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "tokens").write_text(f"# who may ask\nuse {USE}\nadmin {ADMIN}\n")
    return start("--bind", "tcp:127.0.0.1:0", "--token-file", str(folder / "tokens"), folder=folder)


def test_the_socket_is_for_the_user_and_the_group(start: Start) -> None:
    agent = start()
    assert agent.socket.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize(
    ("bind", "says"),
    [
        ("tcp:0.0.0.0:0", "--token-file and --tls-cert"),
        ("tcp:[::]:0", "--token-file and --tls-cert"),
        ("tcp::0", "--token-file and --tls-cert"),
        ("tcp:nowhere.invalid:80", "unknown host"),
        ("tcp:127.0.0.1:http", "is not a port"),
        ("tcp:127.0.0.1:99999", "is not a port"),
        ("fd:99", "cannot listen at fd:99"),
        ("udp:1", "is not an address"),
        ("unix:", "is not an address"),
        ("unix:/" + "x" * 200, "longer than"),
    ],
)
def test_a_place_where_it_must_not_or_cannot_listen_is_refused(bind: str, says: str, tmp_path: Path) -> None:
    assert says in refused("--bind", bind, folder=tmp_path)


def test_a_second_agent_on_the_same_socket_is_refused(start: Start, tmp_path: Path) -> None:
    agent = start()
    said = refused("--bind", f"unix:{agent.socket}", folder=tmp_path)
    assert "another agent listens at" in said and agent.ask("GET", "/healthz").status == 200


def test_a_socket_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(os.fspath(tmp_path / "a.sock"))
        other.listen()
        assert "another program listens at" in refused("--bind", f"unix:{tmp_path}/a.sock", folder=tmp_path)
    (tmp_path / "file").write_text("mine")
    assert "is not a socket" in refused("--bind", f"unix:{tmp_path}/file", folder=tmp_path)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_socket_that_was_left_behind_is_replaced(start: Start) -> None:
    agent = start()
    agent.process.kill()
    agent.process.wait()
    assert agent.socket.exists()
    assert start(folder=agent.socket.parent).ask("GET", "/healthz").status == 200


def test_a_token_is_due_over_tcp(guarded: RunningAgent) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert ask(guarded, "GET", path).status == 200
    answer = ask(guarded, "POST", "/v1/decide", None, TRANSFER)
    assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    for wrong in ("x", USE[:-1], USE + "0", USE.upper()):
        assert ask(guarded, "POST", "/v1/decide", wrong, TRANSFER).status == 401
    assert ask(guarded, "POST", "/v1/decide", USE, TRANSFER).status == 200


def test_only_an_admin_changes_the_agent(guarded: RunningAgent) -> None:
    for path in ("/v1/reload", "/v1/disable", "/v1/enable"):
        assert ask(guarded, "POST", path).status == 401
        assert ask(guarded, "POST", path, USE).status == 403
        assert ask(guarded, "POST", path, ADMIN).status == 200


def test_over_the_loopback_without_tokens_nothing_can_be_changed(start: Start) -> None:
    agent = start("--bind", "tcp:127.0.0.1:0")
    assert ask(agent, "POST", "/v1/decide", None, TRANSFER).status == 200
    assert ask(agent, "POST", "/v1/reload").status == 403
    assert agent.ask("POST", "/v1/reload").status == 200  # over the socket, as the user that it runs as


def test_tokens_are_read_again_and_a_wrong_file_leaves_them(guarded: RunningAgent) -> None:
    tokens, before = guarded.socket.parent / "tokens", (guarded.socket.parent / "tokens").read_text()
    fresh = "fresh-0123456789abcdef"
    tokens.write_text(f"use {fresh}\n")
    assert ask(guarded, "GET", "/v1/status", fresh).status == 200
    assert ask(guarded, "GET", "/v1/status", USE).status == 401
    tokens.write_text("rubbish\n")
    assert ask(guarded, "GET", "/v1/status", fresh).status == 200
    tokens.unlink()
    assert ask(guarded, "GET", "/v1/status", fresh).status == 200
    tokens.write_text(before)
    assert ask(guarded, "GET", "/v1/status", USE).status == 200
    assert "expected 'use TOKEN' or 'admin TOKEN'" in guarded.said


def test_no_token_is_in_an_answer_or_the_log(guarded: RunningAgent) -> None:
    secret = "wrong-0123456789abcdef"
    answers = [
        ask(guarded, method, path, secret).body
        for method, path in [
            ("POST", "/v1/reload"),
            ("GET", "/v1/status"),
            ("GET", "/nowhere"),
            ("GET", "/v1/rules?x=1"),
        ]
    ]
    answers += [
        ask(guarded, "GET", path, USE).body for path in ("/openapi.json", "/", "/v1/status", "/metrics", "/docs")
    ]
    for token in (USE, ADMIN, secret):
        assert token.encode() not in b"".join(answers) and token not in guarded.said


@pytest.mark.parametrize("text", ["", "# nothing\n", "use short\n", "root 0123456789abcdefg\n", "0123456789abcdefg\n"])
def test_a_token_file_that_says_nothing_is_refused_without_showing_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(text)
    said = refused("--bind", "tcp:127.0.0.1:0", "--token-file", str(tmp_path / "tokens"), folder=tmp_path)
    assert "token" in said and "0123456789" not in said and "short" not in said


def test_tls_is_used_and_the_client_checks_the_certificate(start: Start, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    (tmp_path / "tokens").write_text(f"use {USE}\n")
    agent = start(
        *("--bind", "tcp:127.0.0.1:0", "--tls-cert", str(cert), "--tls-key", str(key)),
        *("--token-file", str(tmp_path / "tokens")),
        folder=tmp_path,
    )
    address = next(one for one in agent.addresses if one.startswith("https"))
    remote = gpurules.connect(address, token=USE, ca_file=cert, timeout=5.0)
    assert remote.decide(gpurules.Transfer(size=2 << 30)).delay == 30
    remote.stop()
    unknown = gpurules.connect(address, token=USE, timeout=5.0)
    assert unknown.decide(gpurules.Transfer(size=2 << 30)).source == "fallback"
    unknown.stop()
    with socket.create_connection(tcp(agent)) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        plain.settimeout(10)
        assert b"200 OK" not in plain.recv(1000)
    assert agent.ask("GET", "/healthz").status == 200


def test_a_certificate_that_has_expired_is_not_trusted(start: Start, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, -1)
    agent = start("--bind", "tcp:127.0.0.1:0", "--tls-cert", str(cert), "--tls-key", str(key), folder=tmp_path)
    context = ssl.create_default_context(cafile=cert)
    host, port = tcp(agent)
    with pytest.raises(ssl.SSLCertVerificationError):
        HTTPSConnection(host, port, context=context, timeout=10).request("GET", "/healthz")
    assert agent.ask("GET", "/healthz").status == 200


def test_a_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing\n")
    said = refused("--bind", "tcp:127.0.0.1:0", "--tls-cert", str(tmp_path / "cert.pem"), folder=tmp_path)
    assert "cannot be used" in said


def test_a_socket_that_is_open_already_is_taken(start: Start, tmp_path: Path) -> None:
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))
        given.listen()
        (tmp_path / "node.yaml").write_text(RULES)
        command = [sys.executable, "-m", "gpurules", "serve", str(tmp_path / "node.yaml"), "--source", SOURCE]
        log = tmp_path / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--bind", f"fd:{given.fileno()}"], pass_fds=[given.fileno()], stdout=out, stderr=out
            )
        try:
            connection = HTTPConnection(*given.getsockname(), timeout=30)
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
            connection.close()
        finally:
            process.terminate()
            assert process.wait(15) == 0


STARTER = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "NOTIFY_SOCKET": sys.argv[2]}
os.environ |= {"WATCHDOG_PID": str(os.getpid()), "WATCHDOG_USEC": "400000"}
os.execv(sys.executable, [sys.executable, "-m", "gpurules", "serve", *sys.argv[3:]])
"""


def test_systemd_gives_the_socket_and_hears_of_every_state(tmp_path: Path) -> None:
    heard: list[str] = []
    reported = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    reported.bind(os.fspath(tmp_path / "notify"))

    def listen() -> None:
        while text := reported.recv(4096).decode():
            heard.extend(text.split("\n"))

    threading.Thread(target=listen, daemon=True).start()
    (tmp_path / "node.yaml").write_text(RULES)
    with socket.socket(socket.AF_UNIX) as given, (tmp_path / "log").open("wb") as out:
        given.bind(os.fspath(tmp_path / "a.sock"))
        given.listen()
        command = [sys.executable, "-c", STARTER, str(given.fileno()), str(tmp_path / "notify")]
        process = subprocess.Popen(
            [*command, str(tmp_path / "node.yaml"), "--source", SOURCE],
            pass_fds=[given.fileno()],
            stdout=out,
            stderr=out,
        )
    agent = RunningAgent(process, tmp_path / "a.sock", tmp_path / "node.yaml", tmp_path / "log")
    try:
        assert agent.ask("GET", "/healthz").status == 200
        wait_until(lambda: heard.count("WATCHDOG=1") >= 2)
        assert "READY=1" in heard
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "RELOADING=1" in heard)
        assert any(line.startswith("MONOTONIC_USEC=") for line in heard)
    finally:
        assert agent.stop() == 0
    wait_until(lambda: "STOPPING=1" in heard)
    assert agent.socket.exists()  # it is systemd's
    reported.sendto(b"", os.fspath(tmp_path / "notify"))
    reported.close()


def test_a_request_under_way_is_finished_when_the_agent_stops(start: Start) -> None:
    agent = start()
    connection = agent.connection()
    body = json.dumps([TRANSFER] * 10_000)
    connection.request("POST", "/v1/decide:batch", body, {"Content-Type": "application/json"})
    time.sleep(0.05)  # the request has arrived by now, and 10,000 decisions take longer
    agent.process.terminate()
    response = connection.getresponse()
    assert response.status == 200 and len(json.loads(response.read())) == 10_000
    connection.close()
    assert agent.process.wait(15) == 0


def test_sighup_reloads_and_a_wrong_ruleset_leaves_the_running_one(start: Start) -> None:
    agent = start()
    before = agent.ask("GET", "/v1/status").json["ruleset_version"]
    agent.ruleset.write_text(RULES.replace("gpu_temperature > 30C", "gpu_temprature > 30C"))
    answer = agent.ask("POST", "/v1/reload")
    assert answer.status == 409 and "gpu_temprature" in answer.json["detail"]
    status = agent.ask("GET", "/v1/status").json
    assert status["ruleset_version"] == before and "gpu_temprature" in status["reload_error"]
    agent.ruleset.write_text(RULES.replace("delay: 30s", "delay: 40s"))
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: agent.ask("POST", "/v1/decide", {"transfer": {"size": 2 << 30}}).json["delay"] == 40)
    assert agent.ask("GET", "/v1/status").json["reload_error"] is None

    def reloads() -> list[bool]:
        items = agent.ask("GET", "/v1/events").json["items"]
        return [event["ok"] for event in items if event["kind"] == "ruleset" and "ok" in event]

    wait_until(lambda: set(reloads()) == {True, False}, what="both reloads are among the events")


def test_an_agent_without_the_page_still_answers(start: Start) -> None:
    agent = start("--no-ui")
    assert agent.ask("GET", "/").status == 404 and agent.ask("GET", "/healthz").status == 200


def test_the_default_socket_is_in_the_runtime_folder_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    from gpurules.service.web import listeners

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert listeners.default_address() == "unix:/run/user/1000/gpurules/agent.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert listeners.default_address() == "unix:/run/gpurules/agent.sock"


def test_a_token_in_an_address_is_refused() -> None:
    with pytest.raises(GpurulesError):
        gpurules.connect("http://user:secret@127.0.0.1:1")
