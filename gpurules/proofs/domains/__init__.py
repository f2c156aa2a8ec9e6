"""Predicate abstraction: each fact as a variable whose domain is split only where some condition can change its truth.

::

    comparisons --> atoms    their breakpoints --> intervals                     a partition of numbers
                                               --> text_classes, case_folding    a partition of texts
                                               --> variables                     a fact with its partition
                                                   candidates                    values for a fact that has to change

The entry point is ``AbstractVariable``.
"""
