"""The agent's state beyond its coordinator's: recent events, recent samples, registered transfers."""
