"""The repositories of the template's own tests."""

from tests.template.conftest import template, two_environments

__all__ = ["template", "two_environments"]
