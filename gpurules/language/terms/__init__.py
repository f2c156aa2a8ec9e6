"""The checked tree, and what can be done with it alone: evaluate constants, lower, print.

::

    ir                     typed terms in canonical units
    values (patterns)      what operators mean on values, missing ones among them
    functions              the table of functions
    ir -> lowering -> ir   constants folded, negations pushed down
    ir, nodes -> printer   the canonical spelling
"""
