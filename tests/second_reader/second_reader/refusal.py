"""How the reader refuses: every refusal names the rule of the specification that is broken."""

from __future__ import annotations


class Refused(Exception):
    """Stored bytes break a rule; `rule` is a document of `spec/` and a heading in it."""

    def __init__(self, rule: str, what: str):
        super().__init__(f"{what} (spec/{rule})")
        self.rule = rule


def require(holds: object, rule: str, what: str) -> None:
    """Refuses with `rule` if something does not hold."""
    if not holds:
        raise Refused(rule, what)
