"""Screening: cheap over- and under-approximations that answer most questions about pairs of rules without a search."""
