"""Rules over recorded time: the recording store, the kernel, back-tests, reports and tuning."""
