"""A node that does not exist: its GPUs, and what it transfers. The same scenario always gives the same facts."""
