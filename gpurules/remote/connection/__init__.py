"""The connection to the agent: its address, requests over HTTP, and when to leave an agent alone."""
