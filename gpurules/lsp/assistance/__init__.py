"""What helps while typing: completion, hover, and the values of names on the facts at hand."""
