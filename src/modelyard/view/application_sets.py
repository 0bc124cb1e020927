"""ApplicationSets: the Applications that Argo CD makes of one, as far as the files of a repository tell.

Lists, and folders or files of Git, are followed, alone or as a matrix, with templates that name a parameter. What
clusters, pull requests or functions of a template bring is in no file, and such a set is left as it is. Parameters are
those of Argo CD 3.5.1: applicationset/generators/git.go and list.go, applicationset/utils/template_functions.go.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelyard.rendering import Path
from modelyard.repository import Files, MalformedYAML
from modelyard.view.generators import GitGenerator, of_git
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import entries, mapping, numbered, text

Parameters = dict[str, Any]
FilesOf = Callable[[GitGenerator], Files]

_ACTION = re.compile(r"\{\{((?:[^{}]|\}(?!\})|\{(?!\{))*+)\}\}")
_FIELD = re.compile(r"(?:\.[A-Za-z_]\w*)+")
_SEGMENT = re.compile(r"index\s+((?:\.[A-Za-z_]\w*)+)\s+(\d+)")
_NAME_LIMIT = 253


class UnresolvableGeneratorError(Exception):
    """What Argo CD would make is not told by files; the words say why."""


def generated_by(manifest: Manifest, files_of: FilesOf) -> list[dict[str, Any]]:
    """Return the Applications that Argo CD makes of an ApplicationSet, as manifests.

    Args:
        manifest: The ApplicationSet.
        files_of: Returns the files that a generator looks through; raises `UnresolvableGeneratorError` where they
            are not here.

    Raises:
        UnresolvableGeneratorError: Something of it is not told by files.
    """
    if manifest.has("spec.templatePatch"):
        raise UnresolvableGeneratorError("it patches what it makes")
    template = manifest.mapping("spec.template")
    found = _all(manifest, ("spec", "generators"), manifest.get("spec.generators"), files_of)
    made = [_application(manifest, template, parameters) for parameters in found]
    if len({text(each, "metadata", "name") for each in made}) < len(made):
        raise UnresolvableGeneratorError("several of them would have one name")
    if len({_cluster(each) for each in made}) > 1:
        raise UnresolvableGeneratorError("they go to several clusters")
    return made


def _application(manifest: Manifest, template: dict[str, Any], parameters: Parameters) -> dict[str, Any]:
    filled = _filled(template, parameters, _go if _is_go(manifest) else _plain)
    metadata = {**mapping(filled, "metadata"), **({"namespace": manifest.namespace} if manifest.namespace else {})}
    return {**filled, "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata}


def _cluster(application: dict[str, Any]) -> tuple[str, str]:
    destination = mapping(application, "spec", "destination")
    return text(destination, "server"), text(destination, "name")


def _is_go(manifest: Manifest) -> bool:
    return manifest.get("spec.goTemplate") is True


def _all(manifest: Manifest, path: Path, generators: Any, files_of: FilesOf) -> Iterator[Parameters]:
    for index, generator in enumerate(generators if isinstance(generators, list) else ()):
        yield from _one(manifest, (*path, index), generator, files_of)


def _one(manifest: Manifest, path: Path, generator: Any, files_of: FilesOf) -> Iterator[Parameters]:
    kinds = sorted(mapping(generator))
    kind = kinds[0] if len(kinds) == 1 else ""
    inside = mapping(generator, kind) if kind else {}
    for field in ("template", "values", "elementsYaml", "pathParamPrefix"):
        if field in inside:
            raise UnresolvableGeneratorError(f"its generator has {field}")
    if kind == "list":
        yield from (each if _is_go(manifest) else _texts(each) for each in entries(inside, "elements"))
    elif kind == "git":
        for each in of_git(manifest, path, generator):
            yield from _of_git(each, files_of(each))
    elif kind == "matrix" and "{{" not in str(inside):
        at = (*path, kind, "generators")
        sides = [list(_one(manifest, (*at, index), each, files_of)) for index, each in numbered(inside, "generators")]
        for together in itertools.product(*sides):
            yield {key: value for side in together for key, value in side.items()}
    else:
        raise UnresolvableGeneratorError(f"its generator is {' and '.join(kinds) or 'empty'}")


def _of_git(generator: GitGenerator, files: Files) -> Iterator[Parameters]:
    go = _is_go(generator.manifest)
    for path in generator.found(files):
        if generator.field == "directories":
            yield _of_folder(path, go, {})
            continue
        try:
            contents = files.documents(path)
        except MalformedYAML as error:
            raise UnresolvableGeneratorError(f"{path} is no YAML") from error
        for content in contents[0] if contents and isinstance(contents[0], list) else contents[:1]:
            if not isinstance(content, dict):
                raise UnresolvableGeneratorError(f"{path} holds no mapping")
            yield {**(content if go else _flat(content)), **_of_folder(posixpath.dirname(path), go, _of_file(path))}


def _of_folder(folder: str, go: bool, more: Mapping[str, str]) -> Parameters:
    name = posixpath.basename(folder)
    told = {"basename": name, "basenameNormalized": _normalised(name), **more}
    segments = folder.split("/")
    if go:
        return {"path": {"path": folder, "segments": segments, **told}}
    by_number = {f"path[{number}]": segment for number, segment in enumerate(segments) if segment}
    return {"path": folder, **{f"path.{key}": value for key, value in told.items()}, **by_number}


def _of_file(path: str) -> dict[str, str]:
    name = posixpath.basename(path)
    return {"filename": name, "filenameNormalized": _normalised(name)}


def _normalised(name: str) -> str:
    return re.sub(r"[^-a-z0-9.]", "-", name.lower())[:_NAME_LIMIT].strip("-.")


def _flat(value: Mapping[str, Any], above: str = "") -> Parameters:
    """Return a mapping with its inner keys as `outer.inner`, as templates without Go's syntax name them."""
    found: Parameters = {}
    for key, each in value.items():
        found.update(_flat(each, f"{above}{key}.") if isinstance(each, dict) else {f"{above}{key}": each})
    return found


def _texts(element: Mapping[str, Any]) -> Parameters:
    found = _flat(element)
    if any(not isinstance(each, str) or ("." in key and not key.startswith("values.")) for key, each in found.items()):
        raise UnresolvableGeneratorError(
            "an element of its list holds what is no text, which Argo CD refuses without goTemplate"
        )
    return found


def _filled(value: Any, parameters: Parameters, evaluate: Callable[[str, Parameters], str]) -> Any:
    if isinstance(value, str):
        return _ACTION.sub(lambda action: evaluate(action[1].strip(), parameters), value)
    if isinstance(value, dict):
        if any("{{" in str(key) for key in value):
            raise UnresolvableGeneratorError("a key of its template is filled in")
        return {key: _filled(each, parameters, evaluate) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, parameters, evaluate) for each in value]
    return value


def _plain(words: str, parameters: Parameters) -> str:
    return _said(words, parameters.get(words))


def _go(words: str, parameters: Parameters) -> str:
    segment = _SEGMENT.fullmatch(words)
    if segment is None and not _FIELD.fullmatch(words):
        raise UnresolvableGeneratorError(f"its template asks for {{{{{words}}}}}")
    found: Any = parameters
    for step in (segment[1] if segment else words).split(".")[1:]:
        found = found.get(step) if isinstance(found, dict) else None
    if segment:
        found = found[int(segment[2])] if isinstance(found, list) and int(segment[2]) < len(found) else None
    return _said(words, found)


def _said(words: str, found: Any) -> str:
    if found is None or isinstance(found, dict | list):
        raise UnresolvableGeneratorError(f"its template asks for {{{{{words}}}}}, which its generator does not bring")
    return str(found).lower() if isinstance(found, bool) else str(found)
