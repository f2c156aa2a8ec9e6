"""Back-tests: what rulesets would have done over recorded time, on all nodes, node by node."""
