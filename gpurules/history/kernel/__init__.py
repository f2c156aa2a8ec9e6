"""What rules and signals do over recorded time: whole columns at once, and equal to the engine."""
