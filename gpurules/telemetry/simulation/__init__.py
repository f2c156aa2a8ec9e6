"""A simulated node: its GPUs and its transfers. The same scenario always produces the same facts."""
