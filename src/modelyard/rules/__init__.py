"""One rule, one folder: the rule, its page and its cases."""
