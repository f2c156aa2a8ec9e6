"""The only user of the web framework: handles requests and responses."""
