"""Findings in open documents: computed once per version, published, and fixed.

::

    document --> checker --> published_findings --> editor --> code_actions

Entry point: :class:`gpurules.lsp.findings.checker.Checker`.
"""
