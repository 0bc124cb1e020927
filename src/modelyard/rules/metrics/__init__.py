"""Rules about metrics and the expressions that ask for them."""
