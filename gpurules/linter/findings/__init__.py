"""What becomes of findings: which are reported, silenced, known from a baseline, or fixed."""
