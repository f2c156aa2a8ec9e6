"""The agent's state in addition to its coordinator's: recent events, recent samples, registered transfers."""
