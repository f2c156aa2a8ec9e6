"""Mutation testing: mutants of a ruleset, and the tests that notice them."""
