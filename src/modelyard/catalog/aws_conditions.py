"""Keys and operators of conditions in IAM documents, and the shapes of ARNs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from modelyard.catalog.loading import read_json

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_COMPARISONS = {
    "String": ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"),
    "Numeric": ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
    "Date": ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
    "Arn": ("Equals", "NotEquals", "Like", "NotLike"),
}
_PLACEHOLDER = re.compile(r"\\?\$\\?\{[^{}]*\}|<[^<>]*>")


@cache
def condition_operators() -> frozenset[str]:
    """Return the operators of conditions, without quantifier and without `IfExists`."""
    compared = {f"{kind}{word}" for kind, words in _COMPARISONS.items() for word in words}
    return frozenset({*compared, "Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"})


@cache
def condition_keys() -> Mapping[str, frozenset[str]]:
    """Return the keys of conditions in small letters by what stands before their colon, such as `aws`.

    A key that ends with `*` goes on with any name.
    """
    listed = read_json("aws", "conditions.json")["keys"]
    return MappingProxyType({prefix: frozenset(map(_open, keys)) for prefix, keys in listed.items()})


def _open(key: str) -> str:
    found = re.search(r"[$<]", key)
    return (f"{key[: found.start()]}*" if found else key).lower()


@cache
def arn_shapes() -> Mapping[str, tuple[tuple[bool, bool, str], ...]]:
    """Return what ARNs of a service have: whether a region, whether an account, and how their resource begins.

    The beginning ends before the first name that is chosen freely. A service without entries is known by name alone.
    """
    listed = read_json("aws", "arns.json")["services"]
    return MappingProxyType({service: tuple(map(_shape, shapes)) for service, shapes in listed.items()})


def _shape(written: str) -> tuple[bool, bool, str]:
    region, account, resource = _PLACEHOLDER.sub("\0", written).split(":", 2)
    return bool(region), bool(account), resource.partition("\0")[0]
