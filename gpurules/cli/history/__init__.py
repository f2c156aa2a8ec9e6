"""What the commands over recorded time share."""
