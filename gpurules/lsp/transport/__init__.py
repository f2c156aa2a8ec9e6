"""Messages of the editor: pipes reserved for the protocol, validation of requests, and a debouncer."""
