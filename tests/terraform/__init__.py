"""Tests of the Terraform root: what it refuses, what it plans, and that it can be applied."""
