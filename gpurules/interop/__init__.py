"""What other tools expect of gpurules, and what it takes from them: health gates, Prometheus, Grafana."""
