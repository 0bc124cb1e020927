"""One rule, one folder: the rule, its page and its cases."""

from modelyard.rules.registry import Check, Rule, rule, rule_in, rules

__all__ = ["Check", "Rule", "rule", "rule_in", "rules"]
