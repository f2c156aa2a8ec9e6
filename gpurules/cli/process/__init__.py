"""How a command ends: signals, deadlines, internal errors."""
