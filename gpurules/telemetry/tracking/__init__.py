"""State between snapshots: GPUs that vanished, rates of counters, ages of Xid errors; live and in replay alike."""
