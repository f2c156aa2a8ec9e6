"""The live view of a node and its rules: what it shows, how that is drawn, and its keys."""
