"""A dashboard for the metrics of the agent."""
