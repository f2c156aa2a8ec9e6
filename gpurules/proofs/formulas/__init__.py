"""Formulas over abstract variables: conditions, claims about them, and the axioms of every node.

``formula`` (the tree) <- ``universe`` (the variables) <- ``aggregate_encoding``, ``float_differences`` <- ``encoding``
<- ``axioms``, ``window_axioms``, ``claims``; ``assignments`` evaluates formulas. ``Encoder`` is the entry point.
"""
