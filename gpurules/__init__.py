"""A declarative rule engine for machines where GPUs and storage work together."""
