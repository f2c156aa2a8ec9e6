"""Rulesets: from YAML to rules that can be asked."""
