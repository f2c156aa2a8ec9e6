"""Messages of the editor: pipes that only the protocol writes to, validation of requests, and a debouncer."""
