"""Vectorized evaluation of rules and signals over recorded telemetry, with results equal to the engine's."""
