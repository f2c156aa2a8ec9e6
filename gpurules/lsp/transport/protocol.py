"""The messages of an editor, held to the protocol: a request gets an answer, whatever is wrong with it."""

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
    """pygls's protocol; of itself it answers nothing where a message does not have the shape that it must have."""

    def structure_message(self, data: Any) -> Any:
        """Return *data* as it is: this is called for every object within a message, and its shape is checked later."""
        return data

    def handle_message(self, message: Any) -> None:
        """Act on a message as it was read, or answer what is wrong with it."""
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
        """Make sure that *message* is one of JSON-RPC, and a request one that can be taken.

        Raises:
            JsonRpcException: it is not; this is the answer.
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
    """Return the id of a request. Missing: None where it has none that an answer can carry."""
    found = message.get("id") if isinstance(message, dict) else None
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None
