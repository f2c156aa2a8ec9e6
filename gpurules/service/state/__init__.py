"""What the agent shows beyond what its coordinator keeps: recent events, recent samples, registered transfers."""
