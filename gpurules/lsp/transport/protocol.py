"""Validates the messages of an editor: a malformed request gets an error response."""

from typing import Any

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
)
from pygls.protocol import LanguageServerProtocol


class Protocol(LanguageServerProtocol):
    """pygls's protocol, which alone would not respond to malformed messages."""

    def structure_message(self, data: Any) -> Any:
        """Return *data* unchanged: pygls calls this for every nested object; the shape is checked later."""
        return data

    def handle_message(self, message: Any) -> None:
        """Handle a parsed message, or respond with its error."""
        try:
            self._check(message)
            structured = super().structure_message(message)
        except JsonRpcException as error:
            is_request = not isinstance(message, dict) or "id" in message
            if is_request:
                self._send_response(_id_of(message), None, error.to_response_error())  # type: ignore[arg-type]
            self._server.report_server_error(error, JsonRpcException)
            return
        super().handle_message(structured)

    def _check(self, message: Any) -> None:
        """Make sure that *message* is a valid JSON-RPC message, and a request acceptable.

        Raises:
            JsonRpcException: it is not; this is the response.
        """
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            raise JsonRpcInvalidRequest("a message is an object with jsonrpc: '2.0'")
        if "method" not in message:
            return
        method = message["method"]
        if not isinstance(method, str):
            raise JsonRpcInvalidRequest("the method is not a string")
        if "id" not in message:
            return
        if _id_of(message) is None:
            raise JsonRpcInvalidRequest("the id is neither an integer nor a string")
        if self._shutdown:
            raise JsonRpcInvalidRequest("the server has been shut down")
        kind = self.get_message_type(method)
        if kind is None or method not in {**self.fm.builtin_features, **self.fm.features}:
            raise JsonRpcMethodNotFound.of(method)
        if "params" not in message and method != types.SHUTDOWN:
            raise JsonRpcInvalidParams("the request has no params")


def _id_of(message: Any) -> int | str | None:
    """Return the id of a request. Missing: None if it has no id that a response can carry."""
    found = message.get("id") if isinstance(message, dict) else None
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None
