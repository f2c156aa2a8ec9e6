"""Predicate abstraction: each fact as a variable whose domain is split only where some condition can change its truth.

``text_classes`` and ``case_folding`` partition texts, ``intervals`` partitions numbers, ``atoms`` finds the breakpoints
of a comparison, and ``variables`` puts them together: ``AbstractVariable`` is the entry point.
"""
