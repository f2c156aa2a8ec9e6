"""What a back-test counts on each frame: matches, episodes, distributions, differences; added up over nodes.

::

    samples --> episodes, timeline --> tally     one rule or signal
                value_counts                     quantiles in bounded memory
    profile     distributions of fields
    compared    where two rulesets differ

The entry point is ``tally.RuleTally``; everything here can be merged with its like of another node.
"""
