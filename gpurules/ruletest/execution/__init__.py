"""Runs cases on the ruleset that a file names, and checks the decisions against what the cases expect."""
