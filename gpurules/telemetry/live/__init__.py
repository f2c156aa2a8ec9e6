"""What the sources of a live node stand on: who is there, rates of counters, and keeping what hangs away."""
