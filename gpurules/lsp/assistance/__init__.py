"""Help while typing: completion, hover, and the values of names on the given facts."""
