"""Counterfactual explanations: the smallest change of the facts after which a condition has the expected truth."""
