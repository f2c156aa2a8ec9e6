"""The language server: the door to pygls, and the life of one conversation with an editor."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Any, TypeVar

from lsprotocol import types
from pygls.io_ import run as read_messages
from pygls.lsp.server import LanguageServer

from gpurules.lsp.checking import Checker
from gpurules.lsp.completing import completions
from gpurules.lsp.debouncing import Debouncer
from gpurules.lsp.documents import Document, Documents, Kind
from gpurules.lsp.hovering import hover
from gpurules.lsp.pipes import protocol_pipes
from gpurules.lsp.project import Project
from gpurules.lsp.publishing import problem, published

Params = TypeVar("Params")
Answer = TypeVar("Answer")

_TRIGGERS = [" ", "'", '"', "(", "{", "$", ":", "-"]
_WATCHED = ("**/*.yaml", "**/*.yml", "**/gpurules.toml", "**/pyproject.toml")


class _Server(LanguageServer):
    """pygls's server, which tells the editor's log of what went wrong and interrupts nobody."""

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Tell the editor's log that a message could not be handled."""
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, f"{type(error).__name__}: {error}"))


class Session:
    """One conversation: what the editor has open, and what it was told of it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.documents = Documents()
        self.checker = Checker(project)
        self.server = _Server("gpurules", project.version, types.TextDocumentSyncKind.Full)
        self.debouncer = Debouncer(self._publish)
        self._problems: set[str] = set()
        self._register()

    def _register(self) -> None:
        self.on(types.INITIALIZED, self._start)
        self.on(types.TEXT_DOCUMENT_DID_OPEN, lambda p: self._open(p.text_document))
        self.on(types.TEXT_DOCUMENT_DID_CHANGE, lambda p: self._change(p.text_document))
        self.on(types.TEXT_DOCUMENT_DID_SAVE, lambda p: self.check_all(), types.SaveOptions(include_text=False))
        self.on(types.TEXT_DOCUMENT_DID_CLOSE, lambda p: self._close(p.text_document.uri))
        self.on(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, lambda p: self.check_all())
        self.on(types.WORKSPACE_DID_CHANGE_CONFIGURATION, lambda p: self.check_all())
        self.answer(
            types.TEXT_DOCUMENT_COMPLETION,
            lambda d, p: completions(d, d.positions.offset(p.position), self.documents),
            types.CompletionOptions(trigger_characters=_TRIGGERS),
        )
        self.answer(types.TEXT_DOCUMENT_HOVER, lambda d, p: hover(d, p.position, self.documents, self.checker.kept(d)))

    def on(self, method: str, handle: Callable[[Any], object], options: object = None) -> None:
        """Answer *method* with *handle*; where that fails, with nothing, and a word in the editor's log."""

        def guarded(params: Any) -> object:
            return self.guarded(lambda: handle(params))

        self.server.feature(method, options)(guarded)

    def answer(self, method: str, handle: Callable[[Document, Any], object], options: object = None) -> None:
        """Answer a request about an open text with *handle*; with nothing where the text is not open, or too long."""

        def found(params: Any) -> object:
            document = self.documents.get(params.text_document.uri)
            return handle(document, params) if document is not None and not document.is_too_long else None

        self.on(method, found, options)

    def guarded(self, work: Callable[[], Answer]) -> Answer | None:
        """Return what *work* gives: an outer door, so that a mistake of ours ends no conversation."""
        try:
            return work()
        except Exception as error:
            where = self.project.record(error)
            self._log(types.MessageType.Error, f"internal error: {type(error).__name__}; the details are in {where}")
            return None

    def _log(self, kind: types.MessageType, message: str) -> None:
        self.server.window_log_message(types.LogMessageParams(kind, message))

    def _start(self, params: object) -> None:
        watched = self.server.client_capabilities.workspace
        files = watched.did_change_watched_files if watched else None
        if files is not None and files.dynamic_registration:
            watchers = [types.FileSystemWatcher(glob) for glob in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            wanted = types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            self.server.client_register_capability(types.RegistrationParams([wanted]), lambda _: None)

    def _open(self, opened: types.TextDocumentItem) -> None:
        encoding = self.server.workspace.position_encoding or types.PositionEncodingKind.Utf16
        self.documents.encoding = types.PositionEncodingKind(encoding).value
        self.documents.put(opened.uri, opened.text, opened.version)
        self.debouncer.ask(opened.uri, at_once=True)

    def _change(self, changed: types.VersionedTextDocumentIdentifier) -> None:
        text = self.server.workspace.get_text_document(changed.uri).source
        self.documents.put(changed.uri, text, changed.version)
        self.debouncer.ask(changed.uri)

    def _close(self, uri: str) -> None:
        self.documents.remove(uri)
        self.debouncer.drop(uri)
        self.checker.forget(uri)
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def check_all(self) -> None:
        """Check every open text again: a file or the configuration that it stands on may have changed."""
        self.checker.forget()
        for document in self.documents.all:
            self.debouncer.ask(document.uri)

    def _publish(self, uri: str) -> None:
        """Tell the editor what is wrong with a text, unless it has changed meanwhile (in the debouncer's thread)."""
        document = self.documents.get(uri)
        if document is None:
            return
        found = self.guarded(lambda: self._diagnostics(document))
        if found is not None and self.documents.get(uri) is document:
            told = types.PublishDiagnosticsParams(uri, found, document.version)
            self.server.text_document_publish_diagnostics(told)

    def _diagnostics(self, document: Document) -> list[types.Diagnostic]:
        if document.kind in (Kind.RULESET, Kind.TEST):
            self._complain(self.project.settings(document.path).problem)
        try:
            found = self.checker.findings(document)
        except ValueError as error:
            return [problem(document, str(error))]
        return published(document, found, self.documents, self.project)

    def _complain(self, complaint: str | None) -> None:
        """Say once that the configuration can not be read."""
        if complaint is not None and complaint not in self._problems:
            self._problems.add(complaint)
            self.server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, complaint))


def run(project: Project) -> int:
    """Answer an editor over stdin and stdout until it goes; return 0 where it asked to, else 1."""
    logger = logging.getLogger("pygls")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    with protocol_pipes() as (incoming, outgoing):
        session = Session(project)
        server = session.server
        server.protocol.set_writer(outgoing)
        try:
            read_messages(Event(), incoming, server.protocol, logger, server.report_server_error)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        finally:
            session.debouncer.close()
    return 1
