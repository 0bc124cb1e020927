"""Mistakes that people make with such repositories, and how the check does on each of them."""
