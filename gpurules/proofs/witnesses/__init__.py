"""Witnesses: satisfying facts, made concrete, confirmed by the evaluator, and reduced to what matters."""
