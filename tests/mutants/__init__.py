"""The check, tested by mutation: values that a repository sets are changed one by one, and the check has to notice."""
