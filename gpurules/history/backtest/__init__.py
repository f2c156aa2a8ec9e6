"""Back-tests: what rulesets would have done over recorded telemetry, node by node."""
