"""What tells a finding from others wherever its lines move to: code, rule, and what the rule's condition says."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from gpurules.diagnostics import Diagnostic
from gpurules.rules.expression import Placed


def fingerprinted(findings: Iterable[Diagnostic], placed: Iterable[Placed]) -> list[Diagnostic]:
    """Return the *findings*, each with its fingerprint: alike ones are told apart by their order."""
    known = list(findings)
    named = {finding.rule for finding in known if finding.rule is not None}
    trees: dict[str, str] = {}
    for one in placed:
        if one.rule in named and one.rule not in trees:
            trees[one.rule] = repr(one.expression.parsed.tree or one.expression.parsed.text)
    seen: Counter[str] = Counter()
    result = []
    for finding in known:
        says = trees.get(finding.rule or "") or finding.message
        content = "\0".join((finding.code, finding.rule or "", says))
        seen[content] += 1
        digest = hashlib.sha256(f"{content}\0{seen[content]}".encode("utf-8", "surrogatepass"))
        result.append(replace(finding, fingerprint=digest.hexdigest()[:16]))
    return result
