"""A dashboard for the metrics of the agent."""

from gpurules.interop.grafana.dashboard import dashboard

__all__ = ["dashboard"]
