#!/usr/bin/env -S python3 -I -S
"""A stand-in for kubectl that keeps objects in `cluster.json` beside it and behaves as a cluster with controllers does.

What it can say no to, as the real ones do:
- An Application with the resources finalizer takes its objects along; with a `Delete=confirm` object among them it
  takes none and stays, until an approval is written that is not older than the deletion.
- A NodeClaim of a deleted pool stays while a disruption budget is there: its drain cannot end.
- A StatefulSet or Service that an operator keeps (annotation `test/kept-by: Kind/name`) is there again after a
  deletion, as long as what it is kept by is there.
- A claim stays while a StatefulSet of its namespace is there, since pods use it.
- Objects with the annotation `test/stuck` have a finalizer that nobody takes away.
"""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

Manifest = dict[str, Any]

here = Path(__file__).parent
words = sys.argv[1:]
NOW = "2026-11-30T00:00:00Z"
TRACKING = "argocd.argoproj.io/tracking-id"


def fail(text: str) -> NoReturn:
    sys.stderr.write(text + "\n")
    sys.exit(1)


def option(name: str) -> str:
    for number, word in enumerate(words):
        if word == name:
            return words[number + 1]
        if word.startswith(name + "="):
            return word.partition("=")[2]
    return ""


def positional() -> list[str]:
    rest, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("--context", "--namespace", "-n", "-o", "--output", "--selector"):
            skip = True
        elif not word.startswith("-"):
            rest.append(word)
    return rest


def plural(manifest: Manifest) -> str:
    group = manifest["apiVersion"].rpartition("/")[0]
    kind = manifest["kind"].lower()
    name = kind[:-1] + "ies" if kind.endswith("y") else kind + ("es" if kind.endswith("ss") else "s")
    return f"{name}.{group}" if group else name


def is_kind(manifest: Manifest, word: str) -> bool:
    group, version = manifest["apiVersion"].rpartition("/")[0], manifest["apiVersion"].rpartition("/")[2]
    exact = f"{manifest['kind']}.{version}.{group}" if group else manifest["kind"]
    return word in (exact, plural(manifest), plural(manifest).partition(".")[0])


def notes(manifest: Manifest) -> dict[str, str]:
    found: dict[str, str] = manifest["metadata"].setdefault("annotations", {})
    return found


def settle(manifests: list[Manifest]) -> list[Manifest]:
    """Let controllers do what they would, until nothing changes."""
    while True:
        gone = [
            manifest
            for manifest in manifests
            if manifest["metadata"].get("deletionTimestamp") and not held(manifest, manifests)
        ]
        if not gone:
            return manifests
        for manifest in gone:
            manifests.remove(manifest)
            keeper = notes(manifest).get("test/kept-by")
            if keeper and any(f"{other['kind']}/{other['metadata']['name']}" == keeper for other in manifests):
                manifests.append({**manifest, "metadata": {**manifest["metadata"], "deletionTimestamp": None}})
                return manifests
        uids = {manifest["metadata"]["uid"] for manifest in gone}
        applications = {manifest["metadata"]["name"] for manifest in gone if cascades(manifest)}
        for manifest in manifests:
            owners = {owner["uid"] for owner in manifest["metadata"].get("ownerReferences", [])}
            keeper = notes(manifest).get("test/kept-by", "").partition("/")[2]
            made = keeper in {other["metadata"]["name"] for other in gone if other["kind"] == "Gateway"}
            if owners & uids or made or maker(manifest) in applications:
                manifest["metadata"]["deletionTimestamp"] = NOW


def maker(manifest: Manifest) -> str | None:
    """The Application that an object is of: Argo CD does not believe an annotation that names another object."""
    group, metadata = manifest["apiVersion"].rpartition("/")[0], manifest["metadata"]
    name, _, rest = notes(manifest).get(TRACKING, "").partition(":")
    own = f"{group}/{manifest['kind']}:{metadata.get('namespace', 'argocd')}/{metadata['name']}"
    return name if rest == own else None


def cascades(manifest: Manifest) -> bool:
    return manifest["kind"] == "Application" and bool(manifest["metadata"].get("finalizers"))


def held(manifest: Manifest, manifests: list[Manifest]) -> bool:
    if "test/stuck" in notes(manifest):
        return True
    namespace = manifest["metadata"].get("namespace")
    if cascades(manifest):
        name = manifest["metadata"]["name"]
        own = [other for other in manifests if maker(other) == name]
        asks = any("Delete=confirm" in notes(other).get("argocd.argoproj.io/sync-options", "") for other in own)
        approved = notes(manifest).get("argocd.argoproj.io/deletion-approved", "")
        return (asks and approved < NOW) or any("test/stuck" in notes(other) for other in own)
    if manifest["kind"] == "NodeClaim":
        return any(other["kind"] == "PodDisruptionBudget" for other in manifests)
    if manifest["kind"] == "PersistentVolumeClaim":
        return any(
            other["kind"] == "StatefulSet" and other["metadata"]["namespace"] == namespace for other in manifests
        )
    return False


with (here / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps({"line": " ".join(["kubectl", *words]), "stdin": ""}) + "\n")
answers = json.loads((here / "answers.json").read_text())
for pattern, status, output in answers:
    if pattern in " ".join(["kubectl", *words]):
        (sys.stderr if status else sys.stdout).write(output)
        sys.exit(status)
store = here / "cluster.json"
manifests = json.loads(store.read_text())
verb, *rest = positional()
namespace = option("--namespace") or None
if verb == "api-resources":
    print("\n".join(sorted({plural(manifest) for manifest in manifests})))
    sys.exit()
if verb == "get" and "--raw" in words:
    sys.exit()
kinds, names = rest[0].partition("/")[0].split(","), rest[1:] or [name for name in [rest[0].partition("/")[2]] if name]
if (
    verb == "delete"
    and namespace is None
    and any(
        manifest["metadata"].get("namespace")
        for manifest in manifests
        if any(is_kind(manifest, kind) for kind in kinds)
    )
):
    fail(f"a namespace is needed to delete {rest[0]}")
chosen = [
    manifest
    for manifest in manifests
    if any(is_kind(manifest, kind) for kind in kinds)
    and (not names or manifest["metadata"]["name"] in names)
    and ("--all-namespaces" in words or manifest["metadata"].get("namespace") in (namespace, None))
]
output = option("-o")
if verb == "get" and output == "json":
    if "applications.argoproj.io" in kinds and not any(manifest["kind"] == "Application" for manifest in manifests):
        fail('error: the server doesn\'t have a resource type "applications"')
    print(json.dumps({"items": chosen}))
elif verb == "get" and output.startswith("jsonpath={.metadata."):
    if names and not chosen and "--ignore-not-found" not in words:
        fail(f"Error from server (NotFound): {names}")
    print(
        "".join(manifest["metadata"].get(output[len("jsonpath={.metadata.") : -1]) or "" for manifest in chosen), end=""
    )
elif verb == "get":
    pass
elif verb == "label" or verb == "annotate":
    for word in (word for word in rest[1:] if "=" in word):
        key, _, value = word.partition("=")
        for manifest in (
            manifest for manifest in manifests if manifest["metadata"]["name"] in rest and is_kind(manifest, rest[0])
        ):
            manifest["metadata"].setdefault("labels" if verb == "label" else "annotations", {})[key] = value
    store.write_text(json.dumps(settle(manifests)))
elif verb == "delete":
    if not names:
        fail("resource(s) were provided, but no name was specified")
    identities = [
        (manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"]) for manifest in chosen
    ]
    for manifest in chosen:
        manifest["metadata"]["deletionTimestamp"] = NOW
    manifests = settle(manifests)
    store.write_text(json.dumps(manifests))
    # Gone is the object that was deleted; one that came back is another, as it is for kubectl.
    left = [
        manifest
        for manifest in manifests
        if manifest["metadata"].get("deletionTimestamp")
        and (manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"]) in identities
    ]
    if left and "--wait=false" not in words:
        fail("error: timed out waiting for the condition on " + left[0]["metadata"]["name"])
elif verb == "wait" and "--for=delete" in words and chosen:
    fail("error: timed out waiting for the condition on " + chosen[0]["metadata"]["name"])
