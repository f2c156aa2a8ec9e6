"""The language server: the only user of pygls, and the lifecycle of a session with an editor."""

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.io_ import run as read_messages
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from gpurules.linter import AbandonedError
from gpurules.lsp.assistance.inline_values import Values
from gpurules.lsp.features import FEATURES, Feature, ServerContext
from gpurules.lsp.findings.checker import Checker
from gpurules.lsp.findings.published_findings import problem, publish
from gpurules.lsp.names.references import RenameError
from gpurules.lsp.names.workspace_index import WorkspaceIndex
from gpurules.lsp.project import Project
from gpurules.lsp.text.documents import DocumentKind, Documents, TextDocument
from gpurules.lsp.transport.debouncer import Debouncer
from gpurules.lsp.transport.pipes import protocol_pipes
from gpurules.lsp.transport.protocol import Protocol

Answer = TypeVar("Answer")

_WATCHED = ("**/*.yaml", "**/*.yml", "**/gpurules.toml", "**/pyproject.toml")


class _Server(LanguageServer):
    """A pygls server that logs errors to the editor without a popup."""

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log to the editor that a message could not be handled."""
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, f"{type(error).__name__}: {error}"))


class EditorSession:
    """One session: the open documents, and the findings that were sent for them."""

    def __init__(self, project: Project) -> None:
        documents = Documents()
        self._documents = documents
        self._context = ServerContext(
            project, documents, WorkspaceIndex(documents), Checker(project), Values(documents, project)
        )
        self._complaints: set[str] = set()
        self.server = _Server("gpurules", project.version, types.TextDocumentSyncKind.Full, protocol_cls=Protocol)
        self._publishing = Lock()
        self._quick = Debouncer(self._publish)
        self._thorough = Debouncer(self._publish_all, short_seconds=0.0)
        self._on(types.INITIALIZED, lambda _: self._start())
        self._on(types.TEXT_DOCUMENT_DID_OPEN, lambda p: self._open(p.text_document))
        self._on(types.TEXT_DOCUMENT_DID_CHANGE, lambda p: self._change(p.text_document))
        self._on(types.TEXT_DOCUMENT_DID_SAVE, lambda _: self._check_all(), types.SaveOptions(include_text=False))
        self._on(types.TEXT_DOCUMENT_DID_CLOSE, lambda p: self._close(p.text_document.uri))
        self._on(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, lambda _: self._move())
        self._on(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, lambda _: self._check_all())
        self._on(types.WORKSPACE_DID_CHANGE_CONFIGURATION, lambda _: self._check_all())
        for feature in FEATURES:
            self._answer(feature)

    def _on(
        self, method: str, handle: Callable[[Any], object], options: object = None, in_thread: bool = False
    ) -> None:
        """Answer *method* with *handle*; if that fails, with nothing, and an entry in the editor's log."""

        def guarded(params: Any) -> object:
            return self._guarded(lambda: handle(params))

        self.server.feature(method, options)(self.server.thread()(guarded) if in_thread else guarded)

    def _answer(self, feature: Feature) -> None:
        """Answer a request about an open document; with nothing if it is not open, or too long.

        A slow request is answered in a thread of its own, and canceled once the document has changed.
        """

        def found(params: Any) -> object:
            uri = params.text_document.uri
            document = self._documents.get(uri)
            if document is None or document.is_too_long:
                return None
            answer = feature.answer(self._context, document, params)
            if feature.is_slow and self._documents.get(uri) is not document:
                raise AbandonedError("the text has changed in the meantime")
            return answer

        self._on(feature.method, found, feature.options, feature.is_slow)

    def _guarded(self, work: Callable[[], Answer]) -> Answer | None:
        """Return the result of *work*; the last resort against internal errors, so that none ends the session."""
        try:
            return work()
        except RenameError as error:
            raise JsonRpcException(str(error), types.LSPErrorCodes.RequestFailed) from None
        except AbandonedError as error:
            raise JsonRpcException(str(error), types.LSPErrorCodes.ContentModified) from None
        except (Exception, SystemExit) as error:
            where = self._context.project.record(error)
            message = f"internal error: {type(error).__name__}; the details are in {where}"
            self.server.window_log_message(types.LogMessageParams(types.MessageType.Error, message))
            return None

    def _start(self) -> None:
        self._move()
        workspace = self.server.client_capabilities.workspace
        files = workspace.did_change_watched_files if workspace else None
        if files is not None and files.dynamic_registration:
            watchers = [types.FileSystemWatcher(glob) for glob in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            wanted = types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            self.server.client_register_capability(types.RegistrationParams([wanted]))

    def _move(self) -> None:
        """Use the local folders of the workspace to search for other files."""
        workspace = self.server.workspace
        uris = [folder.uri for folder in workspace.folders.values()] or [workspace.root_uri or ""]
        self._context.workspace.folders = tuple(path for uri in uris if (path := to_fs_path(uri)))

    def _open(self, opened: types.TextDocumentItem) -> None:
        encoding = self.server.workspace.position_encoding or types.PositionEncodingKind.Utf16
        self._documents.encoding = types.PositionEncodingKind(encoding).value
        self._documents.put(opened.uri, opened.text, opened.version)
        self._quick.ask(opened.uri, at_once=True)

    def _change(self, changed: types.VersionedTextDocumentIdentifier) -> None:
        text = self.server.workspace.get_text_document(changed.uri).source
        self._documents.put(changed.uri, text, changed.version)
        self._quick.ask(changed.uri)

    def _close(self, uri: str) -> None:
        with self._publishing:
            self._documents.remove(uri)
            self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
        self._quick.drop(uri)
        self._thorough.drop(uri)
        self._context.checker.forget(uri)

    def _check_all(self) -> None:
        """Recheck every open document: a file or the configuration that it depends on may have changed."""
        self._documents.renew()
        for document in self._documents.all:
            self._quick.ask(document.uri)

    def _publish(self, uri: str) -> None:
        """Send the findings that need no analysis, and schedule the analysis."""
        document = self._documents.get(uri)
        if document is None:
            return
        found = self._guarded(lambda: self._diagnostics(document))
        self._send(document, found)
        if not self._context.checker.is_whole(document):
            self._thorough.ask(uri)

    def _publish_all(self, uri: str) -> None:
        """Send the additional findings of the analysis of a document; abandon it if the document changes."""
        document = self._documents.get(uri)
        if document is None:
            return
        checker = self._context.checker
        known = checker.known_findings(document)
        with suppress(JsonRpcException):
            found = self._guarded(lambda: checker.findings(document, lambda: self._is_current(document)))
            if found is not None and found != known:
                self._send(document, publish(document, found, self._context.documents, self._context.project))

    def _send(self, document: TextDocument, found: list[types.Diagnostic] | None) -> None:
        """Send the findings of a document to the editor, unless it has changed in the meantime."""
        with self._publishing:
            if found is not None and self._is_current(document):
                publish_params = types.PublishDiagnosticsParams(document.uri, found, document.version)
                self.server.text_document_publish_diagnostics(publish_params)

    def _is_current(self, document: TextDocument) -> bool:
        return self._documents.get(document.uri) is document

    def _diagnostics(self, document: TextDocument) -> list[types.Diagnostic]:
        context = self._context
        if document.kind in (DocumentKind.RULESET, DocumentKind.TEST):
            self._complain(context.project.settings(document.path).problem)
        try:
            found = context.checker.quick(document, lambda: self._is_current(document))
        except ValueError as error:
            return [problem(document, str(error))]
        return publish(document, found, context.documents, context.project)

    def close(self) -> None:
        """Stop analyzing, and cancel running analysis work."""
        self._quick.close()
        self._thorough.close()
        for document in self._documents.all:
            self._documents.remove(document.uri)

    def _complain(self, complaint: str | None) -> None:
        """Report once that the configuration cannot be read."""
        if complaint is not None and complaint not in self._complaints:
            self._complaints.add(complaint)
            self.server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, complaint))


def run(project: Project) -> int:
    """Serve an editor over stdin and stdout until it exits; return 0 if it requested a shutdown, else 1."""
    logger = logging.getLogger("pygls")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    with protocol_pipes() as (incoming, outgoing):
        session = EditorSession(project)
        server = session.server
        server.protocol.set_writer(outgoing)
        try:
            read_messages(Event(), incoming, server.protocol, logger, server.report_server_error)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        finally:
            session.close()
    return 1
