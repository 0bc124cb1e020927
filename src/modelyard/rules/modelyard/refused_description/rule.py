"""What a feature, an engine, a component or an overlay says of itself, against its schema and what there is."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from modelyard.findings import Finding, NotChecked, UserError, warning
from modelyard.repository import ANSWERS, PLATFORM, FileAddress, Files, mapping_in
from modelyard.repository.json import parsed
from modelyard.rules import rule
from modelyard.rules.modelyard.refused_description.holding import Problem, problems
from modelyard.rules.wording import did_you_mean, one_of
from modelyard.wording import nearest

if TYPE_CHECKING:
    from modelyard.view import Application, Environment

_MARK = "# yaml-language-server: $schema="
_FEATURES, _ENGINES, _OVERLAYS = "bases/features", "bases/serving", "overlays"
_FILES = {_FEATURES: "feature.yaml", _ENGINES: "engine.yaml", PLATFORM: "component.yaml", _OVERLAYS: "overlay.yaml"}
_DEVICES = frozenset({"gpu", "neuron", "cpu"})
_LIKE = 0.9
"""Likeness of a misspelt name: that of `graviton_ool` and `graviton_pool`, not that of `gpu_limit` and `cpu_limit`."""

Path = tuple[str | int, ...]


@rule("modelyard/refused-description", warning, since="0.3.0")
def refused_description(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A folder says of itself what its schema refuses, or names something that is not there."""
    repository = environment.repository
    if environment.name != next(iter(repository.environments), ""):
        return  # the folders belong to all
    files = repository.files
    there = _Names(files, environment)
    for file in sorted(_in_use(environment)):
        told = mapping_in(files, file)
        found = list(problems(told, _schema(files, file))) if told else []
        refused = {each.path for each in found}  # said once
        for each in found:
            yield _refused(files, file, each)
        yield from _of_revision(files, file, told, there)
        for path, name, sort, known in there.named(file, told):
            if known and name not in known and path not in refused:
                near = _meant(name, known)
                yield Finding(
                    at=FileAddress(files, file, path, key=sort.startswith("question")),
                    message=f"{file} names the {sort} {name}, which is not there{near}",
                    fix=f"name one of {one_of(known)}" if not near else "write the name that is there",
                )
    for application in environment.applications:
        yield from _left_out(files, application)


def _of_revision(files: Files, file: str, told: Mapping[str, Any], there: _Names) -> Iterator[Finding]:
    """Yield the revision of an overlay that is not the one which its settings load."""
    settings = there.engine_facts.get(str(told.get("engine")), {}).get("settings")
    loads = mapping_in(files, f"{posixpath.dirname(file)}/{settings}") if settings else {}
    if loads.get("model", told.get("model")) != told.get("model"):
        return  # another model, of which the description says nothing anyway
    loaded, said = loads.get("revision"), told.get("revision")
    if isinstance(loaded, str) and isinstance(said, str) and loaded != said:
        yield Finding(
            at=FileAddress(files, file, ("revision",)),
            message=f"{file} is about revision {said[:12]}, and {settings} beside it loads {loaded[:12]}: its "
            "sizes and licence are those of another one",
            fix=f"write {loaded} in both",
        )


def _refused(files: Files, file: str, each: Problem) -> Finding:
    name = ".".join(map(str, each.path)) or "it"
    found = str(each.path[-1]) if each.found == "is not known" and each.path else each.found.partition("'")[2][:-1]
    near = _meant(found, each.known) if found and each.known else ""
    expected = f"expected {one_of(each.known)}" if each.known and not near else f"expected {each.expected}"
    return Finding(
        at=FileAddress(files, file, each.path, key=each.found == "is not known"),
        message=f"{file}: {name} {each.found}, and the verbs that edit refuse the folder" + (near or f": {expected}"),
        fix="write what bases/schemas has for it",
    )


def _meant(name: str, known: Iterable[str]) -> str:
    near = did_you_mean(name, known)
    return f", {near}" if near else ""


def _in_use(environment: Environment) -> set[str]:
    """Return the files in which what the environment is made of describes itself."""
    repository = environment.repository
    found = set()
    for application in environment.applications:
        if application.repository is not repository or not application.target:
            continue
        for folder in repository.kustomizations.tree(application.target).folders:
            above, _, name = folder.rpartition("/")
            file = f"{above}/{name}/{_FILES[above]}" if above in _FILES else ""
            if file and repository.files.is_file(file):
                found.add(file)
    return found


def _schema(files: Files, file: str) -> Mapping[str, Any]:
    """Return the schema that a file names above its first key; empty where it names none that is there."""
    # Every check loads the rules of this area; most checks need no view.
    from modelyard.view import mapping

    try:
        first = files.text(file).partition("\n")[0]
        if not first.startswith(_MARK):
            return {}
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), first.removeprefix(_MARK).strip()))
        found = parsed(files.text(path), path) if files.is_file(path) else {}
    except UserError:
        return {}
    return mapping(found)


class _Names:
    """What there is to name."""

    def __init__(self, files: Files, environment: Environment) -> None:
        self._files = files
        of = partial(_describing, files)
        self.features, self.engines, self.components = of(_FEATURES), of(_ENGINES), of(PLATFORM)
        self.engine_facts = {name: mapping_in(files, f"{_ENGINES}/{name}/engine.yaml") for name in self.engines}
        self.capabilities = frozenset(mapping_in(files, f"{_ENGINES}/capabilities.yaml"))
        self.answers = frozenset(mapping_in(files, f"{environment.folder.path}/{ANSWERS}"))

    def named(self, file: str, told: Mapping[str, Any]) -> Iterator[tuple[Path, str, str, frozenset[str]]]:
        """Yield each name that a file gives to something else: where, the name, what it names, and what there is."""
        images = {str(each) for facts in self.engine_facts.values() for each in _listed(facts, "images")}
        workloads = frozenset(str(facts.get("workload")) for facts in self.engine_facts.values())
        lists: dict[str, tuple[str, frozenset[str]]] = {}
        sort = file.rpartition("/")[2]
        if sort == "feature.yaml":
            lists = {
                "requires": ("capability", self.capabilities and self.capabilities | _DEVICES | images),
                "workloads": ("kind of workload of an engine", workloads),
                "needs": ("component or feature", self.components | self.features),
                "excludes": ("feature", self.features),
            }
        elif sort == "engine.yaml":
            lists = {"provides": ("capability", self.capabilities), "needs": ("component", self.components)}
        elif sort == "overlay.yaml":
            lists = {"requires": ("feature", self.features)}
            if isinstance(told.get("engine"), str):
                yield ("engine",), told["engine"], "engine", self.engines
            engine = self.engine_facts.get(str(told.get("engine")), {})
            if isinstance(told.get("accelerator"), str) and engine.get("accelerator"):
                yield (
                    ("accelerator",),
                    told["accelerator"],
                    f"accelerator of the engine {told['engine']}",
                    frozenset({str(engine["accelerator"])}),
                )
        else:
            lists = dict.fromkeys(("needs", "after", "excludes", "stands-for"), ("component", self.components))
            yield from self._of_answers(told)
        for key, (what, known) in lists.items():
            for index, name in enumerate(_listed(told, key)):
                if isinstance(name, str):
                    yield (key, index), name, what, known

    def _of_answers(self, told: Mapping[str, Any]) -> Iterator[tuple[Path, str, str, frozenset[str]]]:
        pools = told.get("pools")
        holders: list[tuple[Path, Any]] = [(("answers",), told.get("answers"))]
        holders += [(("pools", str(name)), each) for name, each in pools.items()] if isinstance(pools, dict) else []
        for path, wanted in holders:
            for question in map(str, wanted) if isinstance(wanted, dict) else ():
                # Answers hold what was asked, so only a name that is spelt like one of them is known to be wrong.
                if question in self.answers or nearest(question, self.answers, cutoff=_LIKE):
                    yield (*path, question), question, "question of the template", self.answers


def _left_out(files: Files, application: Application) -> Iterator[Finding]:
    """Yield what a feature of a model asks of the model's kustomization, and is not there."""
    repository = application.repository
    if repository is None or not application.target or not application.is_model:
        return
    kustomizations = repository.kustomizations
    try:
        own = kustomizations.load(application.target)
    except UserError:
        return
    for folder in kustomizations.tree(application.target).folders:
        file = f"{folder}/feature.yaml"
        if not folder.startswith(f"{_FEATURES}/") or not files.is_file(file):
            continue
        told = mapping_in(files, file)
        if told.get("asks"):
            continue  # what is asked for stands in the entries
        wanted = told.get("environment")
        for index, entry in enumerate(_listed(wanted, "replacements") if isinstance(wanted, dict) else ()):
            if entry not in _listed(own.content, "replacements"):
                yield Finding(
                    at=FileAddress(files, file, ("environment", "replacements", index)),
                    message=f"{application.name} has the feature {folder.rpartition('/')[2]}, and {own.file} holds "
                    "no replacement such as its feature.yaml asks for: names inside a text stay those of the feature",
                    fix=f"write the entry of {file} into replacements of {own.file}",
                )


def _describing(files: Files, folder: str) -> frozenset[str]:
    return frozenset(name for name in files.under(folder) if files.is_file(f"{folder}/{name}/{_FILES[folder]}"))


def _listed(holder: Mapping[str, Any], key: str) -> list[Any]:
    value = holder.get(key)
    return value if isinstance(value, list) else []
