"""Reports with charts, as one self-contained HTML file."""
