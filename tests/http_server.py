"""An HTTP server for tests that hang up on it, as clients with timeouts do."""

import sys
from http.server import ThreadingHTTPServer


class QuietHTTPServer(ThreadingHTTPServer):
    """Does not print the traceback of a broken connection, which would land in the output of some later test."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Report what went wrong in a handler, unless its client has gone."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]
