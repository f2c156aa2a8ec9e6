"""Other spellings of conditions: simpler ones, what comparisons of one fact cover, and proofs of equivalence."""
