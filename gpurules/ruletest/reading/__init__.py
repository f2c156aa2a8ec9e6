"""Test files: their schema, and their cases as data, with every problem at its place."""
