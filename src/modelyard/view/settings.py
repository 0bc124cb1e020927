"""The effective settings of an engine: its settings file, then what the command line adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

from modelyard.catalog import short_flags
from modelyard.findings import Address, UserError
from modelyard.rendering import Sources
from modelyard.repository import FileAddress, Repository
from modelyard.repository.yaml import documents
from modelyard.view.command_lines import Word, command_line
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import entries, text
from modelyard.view.workloads import Container


@dataclass(frozen=True)
class Setting:
    """One setting with where it was made.

    Attributes:
        name: The flag without dashes before it, words joined by `-`.
        value: A plain value; text of the command line is read as YAML scalars are.
        at: Its address.
        source: The settings file or the command line.
        index: The item of `args` or `command` that makes it; -1 for the file.
        word: The word of the command line with its value; empty for the file.
    """

    name: str
    value: Any
    at: Address
    source: Literal["file", "args"]
    index: int = -1
    word: str = ""

    @property
    def name_at(self) -> Address:
        """Return the address of the flag itself; on the command line, of the item that makes the setting."""
        return replace(self.at, key=True) if isinstance(self.at, FileAddress) else self.at


@dataclass(frozen=True)
class DeclaredSettings(Mapping[str, Any]):
    """What the engine is told, by flag; the command line beats the file.

    Attributes:
        settings: The effective setting of each flag.
        all: Every setting that was made, the file's first.
        file: The settings file in the repository, None when there is none or it cannot be read.
        container: The engine's container.
        absent_at: Where a setting belongs that is not made.
        model_id: Which model it is by its Hugging Face id, though the engine may load it from a path or bucket; where
            nothing says the id, what is loaded; empty when no model is named.
        problem: Why the settings could not be read completely; empty when they could.
        problem_at: Where to look for it; None without a problem.
    """

    settings: dict[str, Setting]
    all: tuple[Setting, ...]
    file: str | None
    container: Container
    repository: Repository
    absent_at: Address = field(compare=False)
    model_id: str = field(default="")
    problem: str = field(default="")
    problem_at: Address | None = field(default=None, compare=False)

    def __getitem__(self, name: str) -> Any:
        return self.settings[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)

    def at(self, name: str) -> Address:
        """Return the address of a setting; for an absent one, of where it belongs."""
        return self.settings[name].at if name in self.settings else self.absent_at

    @property
    def model(self) -> str:
        """Return what the engine loads: a Hugging Face id or a path; empty when it is not said."""
        return str(self.get("model") or "")

    @property
    def tensor_parallel_size(self) -> int:
        """Return the number of ranks that share every layer."""
        return _integer(self.get("tensor-parallel-size"))

    @property
    def pipeline_parallel_size(self) -> int:
        """Return the number of stages that the layers are divided over."""
        return _integer(self.get("pipeline-parallel-size"))

    @property
    def data_parallel_size(self) -> int:
        """Return the number of copies of the model."""
        return _integer(self.get("data-parallel-size"))


def is_location(model: str) -> bool:
    """Return whether the engine loads a path, a bucket or an address, rather than a model by its Hugging Face id."""
    return "://" in model or "$(" in model or model.startswith(("/", "."))


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1


def _not_in_commands(words: Sequence[str]) -> int | None:
    return None


def declared_settings(
    container: Container,
    siblings: Sequence[Manifest],
    begins: Callable[[Sequence[str]], int | None] = _not_in_commands,
) -> DeclaredSettings:
    """Return the effective settings of a container that takes vLLM's flags.

    The settings file is found through `--config`: the volume mounted at its path, the ConfigMap behind it, and the
    generator that made that ConfigMap.

    Args:
        container: The container.
        siblings: The resources rendered with it.
        begins: Finds the first word of the program itself, as in `command_line`; without it, `args` alone tell.
    """
    repository = container.manifest.repository
    line = command_line(container, siblings, begins)
    file, problem, config_map = _settings_file(container, siblings, line.words)
    in_file = FileAddress(repository.files, file or "", target=container.manifest.target)
    at: Address | None = container.at("args") if problem else None
    made: list[Setting] = []
    if file is not None:
        try:
            made = written_in(in_file)
        except UserError as error:
            problem, at = error.message, error.at or in_file
    made.extend(_arguments(line.words))
    if not problem and line.gap:
        problem = line.gap  # at no place: it is not wrong, and only the running container knows it
    settings = {each.name: each for each in made}
    return DeclaredSettings(
        settings,
        tuple(made),
        file,
        container,
        repository,
        in_file if file else container.at("args"),
        _model_id([str(each.value or "") for each in made if each.name == "model"], config_map),
        problem,
        at,
    )


def mounted_config_map(container: Container, siblings: Sequence[Manifest], file: str) -> Manifest | None:
    """Return the ConfigMap that holds a file and is mounted into a container; None where none does.

    Args:
        container: The container.
        siblings: The resources rendered with it.
        file: Name of the file, a key of the ConfigMap.
    """
    mounted = {text(mount, "name") for mount in entries(container.value, "volumeMounts")}
    spec = container.manifest.get(container.path[:-2], {})
    names = {
        text(volume, "configMap", "name") for volume in entries(spec, "volumes") if text(volume, "name") in mounted
    }
    for manifest in siblings:
        if manifest.kind == "ConfigMap" and manifest.name in names and file in (manifest.get(("data",)) or {}):
            return manifest
    return None


def written_in(whole: FileAddress, *, required: bool = False) -> list[Setting]:
    """Return the settings in a file.

    Args:
        whole: The file's address, from which each setting has its own.
        required: Whether a file that holds nothing is refused; else it sets nothing.

    Raises:
        UserError: The file cannot be read, or holds no mapping.
    """
    content = whole.files.documents(whole.file) or ([] if required else [{}])
    if not content or not isinstance(content[0], dict):
        raise UserError(f"{whole.file} is not a mapping", at=whole)
    return [Setting(flag(name), value, replace(whole, path=(name,)), "file") for name, value in content[0].items()]


def _model_id(named: Sequence[str], config_map: Manifest | None) -> str:
    """Return which model is served: what is loaded, or what lies beside the settings where that is a path."""
    if not named or not is_location(named[-1]):
        return named[-1] if named else ""
    beside = text(config_map.value, "data", "model") if config_map is not None else ""
    return beside or next((each for each in named if each and not is_location(each)), named[-1])


def flag(name: object) -> str:
    """Return a setting's name as a flag is written, without the dashes before it."""
    return str(name).lstrip("-").replace("_", "-")


def _arguments(words: Sequence[Word]) -> Iterator[Setting]:
    index = 0
    while index < len(words):
        word = words[index]
        name = _flag_of(word.text)
        if name is None:
            before = [each.text for each in words[:index]]
            if word.text != "serve" and before in ([], ["serve"]):
                yield Setting("model", word.text, word.at, "args", word.index, word.text)
            index += 1
            continue
        _, equals, value = word.text.partition("=")
        if equals:
            yield Setting(name, _scalar(value), word.at, "args", word.index, word.text)
        elif index + 1 < len(words) and _flag_of(words[index + 1].text) is None:
            index += 1
            given = words[index]
            yield Setting(name, _scalar(given.text), given.at, "args", given.index, given.text)
        else:
            yield Setting(name, True, word.at, "args", word.index, word.text)
        index += 1


def _flag_of(word: str) -> str | None:
    """Return the flag that a word is, by its long name; None for a word that is a value."""
    name = word.partition("=")[0]
    if name.startswith("--"):
        return flag(name)
    return short_flags().get(name) if name.startswith("-") and len(name) > 1 else None


def _scalar(text: str) -> Any:
    try:
        values = documents("args", text)
    except UserError:
        return text
    value = values[0] if values else text
    return value if isinstance(value, int | float | bool) else text


def _settings_file(
    container: Container, siblings: Sequence[Manifest], words: Sequence[Word]
) -> tuple[str | None, str, Manifest | None]:
    """Return the settings file, why there is none, and the ConfigMap that holds it."""
    path = next((given.text for word, given in pairwise(words) if word.text == "--config"), None)
    if path is None:
        return None, "", None
    folder, _, name = path.rpartition("/")
    mounts = {text(mount, "mountPath").rstrip("/"): mount for mount in entries(container.value, "volumeMounts")}
    mount = mounts.get(path) or mounts.get(folder)
    if mount is None:
        return None, f"no volume is mounted at {folder}, where --config points", None
    key = str(mount.get("subPath") or name)
    spec = container.manifest.get(container.path[:-2], {})
    volumes = {text(volume, "name"): volume for volume in entries(spec, "volumes")}
    config_map = text(volumes.get(text(mount, "name")), "configMap", "name")
    if not config_map:
        return None, f"volume {mount.get('name')} holds no ConfigMap", None
    source = next(
        (manifest for manifest in siblings if manifest.kind == "ConfigMap" and manifest.name == config_map), None
    )
    if source is None:
        return None, f"ConfigMap {config_map} is not in this application", None
    file = Sources(source.repository, source.target, source.resource).generated_file(key)
    return file, "" if file else f"{key} of ConfigMap {config_map} is not a file of this repository", source
