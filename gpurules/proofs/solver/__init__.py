"""The solver: domains of the variables in which ground formulas and the theories of facts hold.

``grounding`` expands formulas to a given number of GPUs, ``backtracking`` searches them with constraint propagation,
and ``theories`` rejects or completes what it finds (``difference_logic``, ``path_candidates``, the clock).
"""
