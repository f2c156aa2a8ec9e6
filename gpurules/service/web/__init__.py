"""The door to the web framework: requests come in here, and answers go out."""
