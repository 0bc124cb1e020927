"""Options, hooks, waves and finalizers that Argo CD does not read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from modelyard.catalog import argocd_options, argocd_words
from modelyard.findings import Address, Finding, NotChecked, error, warning
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import either, nearest, one_of
from modelyard.view import Environment, Manifest, listed

_ANNOTATIONS = "argocd.argoproj.io"
_OWN_FINALIZER = re.compile(r"[\w-]+\.argocd\.argoproj\.io(/\w+)?")
_WAVE = re.compile(r"[+-]?\d+")
_CREATES = "CreateNamespace=true"
_POLICIES = {"Application": ("spec", "syncPolicy"), "ApplicationSet": ("spec", "template", "spec", "syncPolicy")}


@rule("argocd/unread-option", error, since="0.3.0")
def unread_option(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD ignores an option that it does not know, and a finalizer that nobody knows blocks deletion for ever."""
    for manifest in environment.resources:
        if not environment.is_ours(manifest):
            continue
        yield from _of_annotations(manifest)
        if manifest.group == "argoproj.io" and manifest.kind in _POLICIES:
            yield from _of_policy(manifest, _POLICIES[manifest.kind])
            yield from _of_finalizers(manifest)


def _of_annotations(manifest: Manifest) -> Iterator[Finding]:
    annotations = manifest.annotations
    if not any(str(each).startswith(_ANNOTATIONS) for each in annotations):
        return
    for kind in ("sync-options", "compare-options"):
        name = f"{_ANNOTATIONS}/{kind}"
        for option in _separated(annotations.get(name)):
            yield from _option(option, argocd_options(kind), kind, manifest.at(("metadata", "annotations", name)))
    for kind, words in (("hook", "hooks"), ("hook-delete-policy", "hook-delete-policies")):
        name = f"{_ANNOTATIONS}/{kind}"
        for word in _separated(annotations.get(name)):
            if word not in argocd_words(words):
                yield _finding(manifest.at(("metadata", "annotations", name)), name, word, argocd_words(words))
    name = f"{_ANNOTATIONS}/sync-wave"
    wave = annotations.get(name)
    if isinstance(wave, str) and "{{" not in wave and not _WAVE.fullmatch(wave):
        yield Finding(
            at=manifest.at(("metadata", "annotations", name)),
            message=f"{name} is {wave}, which is no whole number, so Argo CD takes it for wave 0",
            fix='write a number in quotes, such as "-10"',
        )


def _of_policy(manifest: Manifest, path: Path) -> Iterator[Finding]:
    policy = manifest.mapping(path)
    written = listed(policy, "syncOptions")
    for index, option in enumerate(written):
        at = manifest.at((*path, "syncOptions", index))
        yield from _option(str(option), argocd_options("sync-options"), "syncOptions", at)
    if isinstance(policy.get("managedNamespaceMetadata"), dict) and _CREATES not in written:
        yield Finding(
            at=manifest.at((*path, "managedNamespaceMetadata"), key=True),
            message=f"managedNamespaceMetadata is read only with the sync option {_CREATES}",
            fix=f"add {_CREATES} to syncOptions, or set labels and annotations in the manifest of the namespace",
        )


def _of_finalizers(manifest: Manifest) -> Iterator[Finding]:
    known = argocd_words("finalizers")
    for index, name in enumerate(listed(manifest.value, "metadata", "finalizers")):
        if _OWN_FINALIZER.fullmatch(str(name)) and name not in known:
            near = nearest(str(name), known)
            yield Finding(
                at=manifest.at(("metadata", "finalizers", index)),
                message=f"Argo CD does not know the finalizer {name}: nothing removes it, so a deleted "
                f"{manifest.kind} stays for ever",
                fix=f"write {near or one_of(known)}",
            )


def _option(option: str, known: Mapping[str, Iterable[str]], where: str, at: Address) -> Iterator[Finding]:
    name, _, value = option.partition("=")
    values = known.get(name)
    if "{{" in option or (values is not None and value in values):
        return
    if values is None:
        every = {f"{each}={first}".rstrip("=") for each, of in known.items() for first in of}
        yield _finding(at, where, option, every)
        return
    expected = either(sorted(f"{name}={each}".rstrip("=") for each in values))
    yield Finding(
        at=at,
        message=f"{where} has {option}, which Argo CD does not read: it compares options letter by letter",
        fix=f"write {expected}",
    )


def _finding(at: Address, where: str, word: str, known: Iterable[str]) -> Finding:
    near = nearest(word, known)
    return Finding(
        at=at,
        message=f"{where} has {word}, which Argo CD does not know and passes over",
        fix=f"write {near}" if near else f"write one of {one_of(known, 20)}",
        # A word that is like none was perhaps never one, and nothing waits for it.
        severity=None if near else warning,
    )


def _separated(value: object) -> list[str]:
    return [each for part in value.split(",") if (each := part.strip())] if isinstance(value, str) else []
