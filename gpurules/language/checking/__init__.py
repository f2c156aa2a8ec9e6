"""Syntax tree to checked tree: names are looked up, every term gets a datatype and a unit.

::

    nodes -> checker (environment, calls, arithmetic) -> ir   terms, or findings with hints
    text  -> fast_path                                -> ir   a plain AND of comparisons, without a tree
"""
