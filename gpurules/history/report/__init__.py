"""Reports with charts: one HTML file that asks for nothing else."""
