"""Values that are worked out of an object once, and kept as long as the object is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from inspect import unwrap
from typing import Any, Self, TypeVar, TypeVarTuple

D = TypeVar("D", bound="Derivable")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Derivable:
    """An object of which functions derive values, each of them once.

    What is derived belongs to the object: it goes when the object goes, and a changed copy begins without it. The
    object itself does not change, or what was derived of it would be of another.
    """

    @cached_property
    def _derived(self) -> dict[tuple[Callable[..., Any], tuple[Any, ...]], Any]:
        return {}

    def derived(self, function: Callable[[Self, *Ts], T], *arguments: *Ts) -> T:
        """Return what a function makes of this object; it is called once, and again only where it raised.

        Args:
            function: Takes this object first. It is a function of a module: one that is made in a call is another one
                at the next.
            arguments: Further arguments, which can be keys of a dictionary.
        """
        key = (unwrap(function), arguments)
        if key not in self._derived:
            self._derived[key] = key[0](self, *arguments)
        result: T = self._derived[key]
        return result

    def assume(self, function: Callable[[Self], T], value: T) -> None:
        """Say what a function makes of this object, for one that was just made and is like another where it looks.

        Args:
            function: The function.
            value: What it would return.
        """
        self._derived[unwrap(function), ()] = value


def derived(function: Callable[[D, *Ts], T]) -> Callable[[D, *Ts], T]:
    """Mark a function whose value is worked out once for each object that it is given first."""

    @wraps(function)
    def once(holder: D, *arguments: *Ts) -> T:
        return holder.derived(function, *arguments)

    return once
