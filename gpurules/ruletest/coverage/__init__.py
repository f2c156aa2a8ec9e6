"""What tests cover: rules, branches, thresholds and missing facts; and tests that hold vacuously."""
