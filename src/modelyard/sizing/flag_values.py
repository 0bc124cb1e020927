"""Reading the values of flags, whatever way they were written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import engine
from modelyard.repository.json import MalformedJSON, parsed

AUTO_LENGTH = -1
"""`max-model-len: auto`: the engine takes the longest context that fits."""

ALIASES = {
    "tp": "tensor-parallel-size",
    "pp": "pipeline-parallel-size",
    "dp": "data-parallel-size",
    "dcp": "decode-context-parallel-size",
    "ep": "enable-expert-parallel",
    "q": "quantization",
    "sc": "speculative-config",
    "device-memory-utilization": "gpu-memory-utilization",
}
"""Short and other spellings of flags that memory follows from."""

LARGEST = {
    "tensor-parallel-size": 1024,
    "pipeline-parallel-size": 1024,
    "data-parallel-size": 1024,
    "max-num-seqs": 1_000_000,
}
"""Beyond these a value is a slip; defaults stand in for it, and no verdict is positive."""


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """A setting that cannot be used.

    Attributes:
        flag: The flag, in kebab case.
        message: What was found and what was expected.
    """

    flag: str
    message: str


class FlagValues:
    """Typed reads of a flag mapping that collect what cannot be used."""

    def __init__(self, flags: Mapping[str, Any]) -> None:
        plain = {str(name).lstrip("-").replace("_", "-"): value for name, value in flags.items()}
        self.values = {ALIASES.get(name, name): value for name, value in plain.items()}
        self.problems: list[SettingProblem] = []

    def whole(self, flag: str, default: int, lowest: int = 1) -> int:
        """Return a whole number; the default, noted as a problem, where it is none."""
        value = self.values.get(flag)
        if value is None:
            return default
        highest = LARGEST.get(flag, 10**12)
        try:
            whole = not isinstance(value, bool) and (not isinstance(value, float) or value.is_integer())
            number = int(value) if whole else None
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is None or not lowest <= number <= highest:
            self._refuse(flag, value, f"a whole number from {lowest} to {highest}")
            return default
        return number

    def length(self, flag: str, default: int) -> int:
        """Return a number of tokens, also `8k`, `1M` and `auto`."""
        value = self.values.get(flag)
        if isinstance(value, str):
            text = value.strip()
            if text == "auto":
                return AUTO_LENGTH
            scale = {"k": 1000, "m": 10**6, "g": 10**9, "K": 1024, "M": 2**20, "G": 2**30}.get(text[-1:], 0)
            if scale:
                try:
                    return int(float(text[:-1]) * scale)
                except (ValueError, OverflowError):
                    self._refuse(flag, value, "a number of tokens, such as 8192, 8k or auto")
                    return default
        return self.whole(flag, default, lowest=AUTO_LENGTH) or default

    def number(self, flag: str, default: float, lowest: float, highest: float) -> float:
        """Return a number between two bounds."""
        value = self.values.get(flag)
        if value is None:
            return default
        try:
            number = float(value) if not isinstance(value, bool) else float("nan")
        except (TypeError, ValueError):
            number = float("nan")
        if not lowest <= number <= highest:
            self._refuse(flag, value, f"a number from {lowest:g} to {highest:g}")
            return default
        return number

    def switch(self, flag: str, default: bool = False) -> bool:
        """Return whether a switch is on, its `no-` form included."""
        if self.values.get(f"no-{flag}") in (True, "", "true"):
            return False
        value = self.values.get(flag, default)
        return value if isinstance(value, bool) else str(value).lower() not in ("false", "0", "none")

    def text(self, flag: str, default: str) -> str:
        """Return a text."""
        value = self.values.get(flag)
        return default if value is None else str(value)

    def mapping(self, flag: str) -> Mapping[str, Any]:
        """Return a JSON mapping; an empty one where it is none."""
        value = self.values.get(flag)
        if isinstance(value, str):
            try:
                value = parsed(value)
            except MalformedJSON:
                self._refuse(flag, value, "a JSON mapping")
        return value if isinstance(value, Mapping) else {}

    def choices(self, version: str) -> None:
        """Note values that are none of a flag's choices, on which the engine exits."""
        known = engine("vllm", version)
        for name, value in self.values.items():
            flag = known.flag(f"--{name}") if known is not None else None
            if flag is None or not flag.choices or isinstance(value, bool | dict | list):
                continue
            taken = [str(each) for each in flag.choices]
            if str(value) not in taken:
                self._refuse(name, value, f"one of {', '.join(taken)}")

    def _refuse(self, flag: str, value: Any, expected: str) -> None:
        self.problems.append(SettingProblem(flag, f"{flag} is {value!r}, expected {expected}"))
