"""What the command line names: files, rulesets, telemetry sources, running agents."""
