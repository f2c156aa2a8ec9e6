"""Logs with one row for each GPU and poll: their header, how rows fit it, and which GPU a row is of."""
