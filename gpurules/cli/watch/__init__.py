"""The live view of a node and its rules: content, drawing and keys."""
