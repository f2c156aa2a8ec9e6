"""``gpurules serve``."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from gpurules.cli.inputs.rulesets import load_ruleset, nothing_to_do
from gpurules.cli.inputs.telemetry import open_telemetry
from gpurules.cli.options import agent_outputs, option, source_options, stdin_filename, text_or_json
from gpurules.cli.run.agent import AgentSettings, run_agent
from gpurules.cli.run.suggestions import suggestion_wish
from gpurules.cli.terminal.output import note
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.service.server import ReloadNotice, ServeOptions, serve
from gpurules.service.state_file import publish as publish_state

GC_THRESHOLDS = (2000, 10, 10)
"""How often an agent looks for garbage: other commands end before there is much of it, and look hardly ever."""
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("serve")
@click.argument("ruleset")
@stdin_filename
@source_options
@option(
    "--bind",
    metavar="ADDRESS",
    multiple=True,
    help="Address to listen on: unix:PATH, tcp:HOST:PORT or fd:N; repeatable. Default: the sockets that systemd "
    "passes, else unix:/run/gpurules/agent.sock, or for a user $XDG_RUNTIME_DIR/gpurules/agent.sock.",
)
@option(
    "--token-file",
    metavar="FILE",
    type=_FILE,
    help="Bearer tokens, one per line: 'use TOKEN' or 'admin TOKEN'; reread when the file changes.",
)
@option("--tls-cert", metavar="FILE", type=_FILE, help="Certificate chain (PEM) for TLS over TCP.")
@option("--tls-key", metavar="FILE", type=_FILE, help="Private key of the certificate, if it is in a separate file.")
@option(
    "--behind-proxy", is_flag=True, help="A proxy terminates TLS for this agent: allow plain TCP beyond the loopback."
)
@option(
    "--state",
    metavar="FILE",
    type=_FILE,
    help="Keep the state of signals in this file, so that timers continue after a restart.",
)
@option("--no-ui", is_flag=True, help="Serve only the API, no web page.")
@option("--dry-run", is_flag=True, help="Call no effects, such as webhooks; report which would be called.")
@agent_outputs
@text_or_json
def command(
    ruleset: str, source: str, bind: tuple[str, ...], token_file: Path | None, tls_cert: Path | None,
    tls_key: Path | None, behind_proxy: bool, state: Path | None, no_ui: bool, dry_run: bool,
    clients: tuple[str, ...], publish: Path | None, history: str | None, history_days: int | None,
    suggest: str | None, goals: tuple[str, ...], keeps: tuple[str, ...], allow_exec: frozenset[str],
    format_: str, **options: object,
) -> int:  # fmt: skip
    """Run RULESET (a file or gpurules:NAME) as the agent of this node, and serve it over HTTP.

    Does everything that run does, and adds an HTTP API, a web page, metrics and probes. SIGHUP reloads
    the ruleset; SIGTERM finishes pending requests and shuts down cleanly.
    """
    if tls_key is not None and tls_cert is None:
        raise click.UsageError("--tls-key requires --tls-cert")
    wish = suggestion_wish(ruleset, suggest, goals, keeps)
    loaded = load_ruleset(ruleset)
    for line in nothing_to_do(loaded):
        note(line)
    opened, interval = open_telemetry(source, options)
    notice = ReloadNotice()
    serving = ServeOptions(bind, token_file, tls_cert, tls_key, behind_proxy, not no_ui, history)

    @contextmanager
    def service(coordinator: Coordinator) -> Iterator[None]:
        with serve(coordinator, serving, notice) as addresses:
            for address in addresses:
                note(f"listening on {address}")
            with _published(coordinator, publish, addresses):
                yield

    try:
        given = CoordinatorOptions(poll_interval=interval, state_path=state, dry_run=dry_run)
        given = replace(given, allowed_programs=allow_exec)
        _freeze_what_is_loaded()
        is_json = format_ == "json"
        settings = AgentSettings(is_json, False, given, None, clients, service, stays=True, before_reload=notice.begin)
        settings = replace(settings, history=history, history_days=history_days, suggestions=wish)
        return run_agent(loaded, opened, settings)
    finally:
        opened.close()


def _freeze_what_is_loaded() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@contextmanager
def _published(coordinator: Coordinator, path: Path | None, addresses: Iterable[str]) -> Iterator[None]:
    """Keep a state file current during the context: at *path*, or by default beside the first Unix socket."""
    sockets = [Path(address.removeprefix("unix:")) for address in addresses if address.startswith("unix:/")]
    place = path or (sockets[0].with_name("state") if sockets else None)
    end: Callable[[], None] | None = None
    if place is not None:
        try:
            end = publish_state(coordinator, place)
            note(f"state for compiled rules at {place}")
        except OSError as error:
            if path is not None:
                raise
            note(f"no state for compiled rules: {error}")
    try:
        yield
    finally:
        if end is not None:
            end()
