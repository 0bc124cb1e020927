"""Bad input and hostile kustomizations: refused by name and place, and only their own target is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modelyard.findings import UserError
from modelyard.rendering import ProcessRenderer, Rendering
from modelyard.rendering.library import LibraryRenderer
from modelyard.repository import Repository
from modelyard.tooling import find

pytestmark = pytest.mark.skipif(
    find("modelyard-render") is None or find("kustomize") is None,
    reason="modelyard-render or kustomize is not installed: `modelyard tools install` builds both",
)

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@dataclass(frozen=True)
class Case:
    """Files, and what is said about the target `target`.

    Attributes:
        files: Content by path.
        kind: Kind of the error.
        at: Place, as `file:line`.
        says: Words of the message.
        links: Symbolic links to make, by path.
        reference_refuses: Whether the process backend refuses it too.
    """

    files: dict[str, str]
    kind: str
    at: str
    says: str
    links: dict[str, str] = field(default_factory=dict)
    reference_refuses: bool = True


def target(text: str, **files: str) -> dict[str, str]:
    """Return the files of one target; underscores in names stand for dots."""
    return {
        "target/kustomization.yaml": text,
        **{f"target/{name.replace('_', '.')}": each for name, each in files.items()},
    }


CASES = {
    "no such folder": Case({}, "missing", "target", "does not exist"),
    "no kustomization": Case({"target/a.yaml": CONFIG_MAP}, "missing", "target", "has no kustomization.yaml"),
    "two kustomizations": Case(
        {**target("resources: [a.yaml]\n", a_yaml=CONFIG_MAP), "target/Kustomization": "resources: [a.yaml]\n"},
        "malformed",
        "target",
        "several kustomizations",
    ),
    "missing base": Case(
        target("resources:\n  - ../base\n"), "missing", "target/kustomization.yaml:2", "base does not exist"
    ),
    "missing patch": Case(
        target("resources: [a.yaml]\npatches:\n  - path: p.yaml\n", a_yaml=CONFIG_MAP),
        "missing",
        "target/kustomization.yaml:3",
        "target/p.yaml does not exist",
    ),
    "broken kustomization": Case(
        target("resources: [a.yaml\n"), "malformed", "target/kustomization.yaml:1", "not valid YAML"
    ),
    "broken resource": Case(
        target("resources: [a.yaml]\n", a_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\ndata: b: c\n"),
        "malformed",
        "target/a.yaml:3",
        "not valid YAML",
    ),
    "duplicate key in a resource": Case(
        target("resources: [a.yaml]\n", a_yaml=CONFIG_MAP + "data: {x: y}\ndata: {x: z}\n"),
        "malformed",
        "target/a.yaml:5",
        'mapping key "data" already defined at line 4',
    ),
    "duplicate key in a kustomization": Case(
        target("resources: [a.yaml]\nnamePrefix: x-\nnamePrefix: y-\n", a_yaml=CONFIG_MAP),
        "malformed",
        "target/kustomization.yaml:3",
        "namePrefix twice",
    ),
    "unknown field": Case(
        target("resources: [a.yaml]\nresorces: []\n", a_yaml=CONFIG_MAP),
        "malformed",
        "target/kustomization.yaml:2",
        "the field resorces",
    ),
    "cycle": Case(
        {**target("resources:\n  - ../base\n"), "base/kustomization.yaml": "resources:\n  - ../target\n"},
        "cycle",
        "base/kustomization.yaml:2",
        "target → base → target",
    ),
    "includes its own parent": Case(
        {"target/kustomization.yaml": "resources: [sub]\n", "target/sub/kustomization.yaml": "resources: ['..']\n"},
        "cycle",
        "target/sub/kustomization.yaml:1",
        "kustomizations include each other",
    ),
    "deep recursion": Case(
        {
            "target/kustomization.yaml": "resources: [../d0]\n",
            **{f"d{number}/kustomization.yaml": f"resources: [../d{number + 1}]\n" for number in range(60)},
        },
        "depth",
        "d29/kustomization.yaml:1",
        "more than 30 kustomizations deep",
    ),
    "bases that double at every step": Case(
        {
            "target/kustomization.yaml": "resources: [../d0, ../d0]\n",
            **{
                f"d{number}/kustomization.yaml": f"resources: [../d{number + 1}, ../d{number + 1}]\n"
                for number in range(20)
            },
            "d20/kustomization.yaml": "namePrefix: x-\n",
        },
        "depth",
        "d18/kustomization.yaml:1",
        "more than 5000 kustomizations",
        reference_refuses=False,  # it would never end
    ),
    "remote base": Case(
        target("resources:\n  - https://github.com/acme/base?ref=v1\n"),
        "remote",
        "target/kustomization.yaml:2",
        "reads https://github.com/acme/base?ref=v1 from the network",
    ),
    "remote base without a scheme": Case(
        target("resources:\n  - github.com/acme/base//deploy?ref=v1\n"),
        "remote",
        "target/kustomization.yaml:2",
        "network",
    ),
    "remote base over SSH with a password": Case(
        target("resources:\n  - ssh://someone:secret@git.example.com/base\n"),
        "remote",
        "target/kustomization.yaml:2",
        "reads ssh://git.example.com/base from the network",
    ),
    "remote file of a generator": Case(
        target("configMapGenerator:\n  - name: a\n    files:\n      - k=https://example.com/x\n"),
        "remote",
        "target/kustomization.yaml:4",
        "network",
    ),
    "remote patch": Case(
        target("resources: [a.yaml]\npatches: [{path: 'http://example.com/p.yaml'}]\n", a_yaml=CONFIG_MAP),
        "remote",
        "target/kustomization.yaml:2",
        "network",
    ),
    "absolute path": Case(
        target("configMapGenerator:\n  - name: a\n    files: [/etc/passwd]\n"),
        "outside",
        "target/kustomization.yaml:3",
        "absolute path /etc/passwd",
    ),
    "out of the repository": Case(
        target("resources:\n  - ../../../outside\n"), "outside", "target/kustomization.yaml:2", "outside the repository"
    ),
    "a file out of its own folder": Case(
        {**target("resources: [../a.yaml]\n"), "a.yaml": CONFIG_MAP},
        "outside",
        "target/kustomization.yaml:1",
        "outside its own folder",
    ),
    "a link out": Case(
        target("resources: [a.yaml]\n"),
        "outside",
        "target/kustomization.yaml:1",
        "leads out of the repository",
        links={"target/a.yaml": "../../outside/secret.yaml"},
    ),
    "an absolute link": Case(
        target("configMapGenerator: [{name: a, files: [hosts]}]\n"),
        "outside",
        "target/kustomization.yaml:1",
        "leads out of the repository",
        links={"target/hosts": "/etc/hosts"},
    ),
    "links in a circle": Case(
        target("resources: [a.yaml]\n"),
        "cycle",
        "target/kustomization.yaml:1",
        "links that lead to each other",
        links={"target/a.yaml": "b.yaml", "target/b.yaml": "a.yaml"},
    ),
    "Helm charts": Case(
        target("helmCharts:\n  - {name: x, repo: 'https://example.com', version: 1.0.0}\n"),
        "executes",
        "target/kustomization.yaml:1",
        "inflates Helm charts",
    ),
    "Helm by a generator": Case(
        target(
            "generators: [g.yaml]\n",
            g_yaml="apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: x\n",
        ),
        "executes",
        "target/g.yaml:1",
        "inflates a Helm chart",
    ),
    "container function": Case(
        target(
            "transformers: [t.yaml]\n",
            t_yaml="apiVersion: x.example.com/v1\nkind: T\nmetadata:\n  name: t\n  annotations:\n"
            "    config.kubernetes.io/function: |\n      container: {image: example.com/evil}\n",
        ),
        "executes",
        "target/t.yaml:1",
        "in the container example.com/evil",
    ),
    "exec function, inline": Case(
        target(
            "generators:\n  - |\n    apiVersion: x.example.com/v1\n    kind: G\n    metadata:\n      name: g\n"
            "      annotations:\n        config.kubernetes.io/function: |\n          exec: {path: ./evil.sh}\n"
        ),
        "executes",
        "target/kustomization.yaml:3",
        "by the program ./evil.sh",
    ),
    "plugin": Case(
        target(
            "validators: [v.yaml]\n", v_yaml="apiVersion: someteam.example.com/v1\nkind: Check\nmetadata: {name: c}\n"
        ),
        "executes",
        "target/v.yaml:1",
        "runs the plugin Check",
    ),
    "plugin from a folder": Case(
        {
            **target("generators: [../plugins]\n"),
            "plugins/kustomization.yaml": "resources: [g.yaml]\n",
            "plugins/g.yaml": "apiVersion: someteam.example.com/v1\nkind: Gen\nmetadata: {name: c}\n",
        },
        "executes",
        "target/kustomization.yaml",
        "plugin",
    ),
    "alias bomb": Case(
        target(
            "resources: [a.yaml]\n",
            a_yaml=f"{CONFIG_MAP}data:\n{''.join(f'  {line}' + chr(10) for line in BOMB.splitlines())}",
        ),
        "malformed",
        "target/a.yaml:11",
        "aliases that expand to more than",
        reference_refuses=False,  # kustomize runs into its time limit
    ),
    "alias bomb in an inline patch": Case(
        target(
            "resources: [a.yaml]\npatches:\n  - patch: |\n"
            + "".join(f"      {line}\n" for line in (CONFIG_MAP + BOMB).splitlines()),
            a_yaml=CONFIG_MAP,
        ),
        "malformed",
        "target/kustomization.yaml:13",
        "aliases that expand to more than",
        reference_refuses=False,  # it takes all memory first
    ),
    "large file": Case(
        target("configMapGenerator: [{name: a, files: [big]}]\n", big="x" * (21 * 2**20)),
        "size",
        "target/kustomization.yaml:1",
        "has 21 MiB, more than the 20 MiB that are read",
    ),
    "a component listed as a resource": Case(
        {**target("resources: [../part]\n"), "part/kustomization.yaml": "kind: Component\n"},
        "malformed",
        "target/kustomization.yaml:1",
        "is a Component",
    ),
    "the same resource twice": Case(
        target("resources: [a.yaml, b.yaml]\n", a_yaml=CONFIG_MAP, b_yaml=CONFIG_MAP),
        "build",
        "target/kustomization.yaml",
        "ConfigMap a a second time",
    ),
    "a patch for nothing": Case(
        target(
            "resources: [a.yaml]\npatches:\n  - patch: |\n      apiVersion: v1\n      kind: ConfigMap\n"
            "      metadata: {name: other}\n",
            a_yaml=CONFIG_MAP,
        ),
        "build",
        "target/kustomization.yaml",
        "is for ConfigMap other, which is not there",
    ),
    "a patch that does not apply": Case(
        target(
            "resources: [a.yaml]\npatches:\n  - target: {kind: ConfigMap}\n    patch: |\n"
            "      - {op: remove, path: /data/x}\n",
            a_yaml=CONFIG_MAP,
        ),
        "build",
        "target/kustomization.yaml:5",
        "cannot be applied: remove",
    ),
    "not a mapping": Case(target("- a\n- b\n"), "malformed", "target/kustomization.yaml:1", "one YAML mapping"),
    "empty": Case(target(""), "malformed", "target/kustomization.yaml:1", "one YAML mapping"),
    "not text": Case(
        target("resources: [a.yaml]\n", a_yaml="\x00\x01\x02"), "malformed", "target/a.yaml", "not valid YAML"
    ),
}


def lay_out(root: Path, case: Case) -> Repository:
    outside = root / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text(CONFIG_MAP)
    repository = root / "repository"
    repository.mkdir()
    for name, text in {
        **case.files,
        "good/kustomization.yaml": "resources: [a.yaml]\n",
        "good/a.yaml": CONFIG_MAP,
    }.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    for name, destination in case.links.items():
        (repository / name).symlink_to(destination)
    return Repository(repository)


def render(repository: Repository, targets: list[str], **options: float) -> dict[str, Rendering]:
    return {each.target: each for each in LibraryRenderer(None, **options).render(repository, targets)}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_by_name_and_place_and_costs_its_own_target_only(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    repository = lay_out(tmp_path, case)
    found = render(repository, ["good", "target"])
    assert [each.value["kind"] for each in found["good"].resources] == ["ConfigMap"]
    (error,) = found["target"].errors
    assert found["target"].resources == ()
    place = error.at.place()
    shown = f"{place.file}:{place.line}" if ":" in case.at else place.file
    assert (error.kind, shown) == (case.kind, case.at), error.message
    assert case.says in error.message
    assert str(tmp_path) not in error.message and "secret" not in error.message.replace("secret.yaml", "")
    assert error.fix or case.kind == "build" or "YAML" in error.message or case.kind in ("missing", "cycle")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.reference_refuses])
def test_the_reference_refuses_it_too(name: str, tmp_path: Path) -> None:
    repository = lay_out(tmp_path, CASES[name])
    try:
        (rendering,) = ProcessRenderer().render(repository, ["target"])
    except UserError:
        return
    assert rendering.errors and not rendering.resources


def test_a_target_outside_the_repository_is_refused(tmp_path: Path) -> None:
    repository = lay_out(tmp_path, Case({}, "", "", ""))
    for outside in ("../outside", "/etc"):
        (error,) = render(repository, [outside])[outside].errors
        assert error.kind == "outside"


@pytest.mark.slow
def test_a_target_over_its_time_is_given_up_and_the_others_are_rendered(tmp_path: Path) -> None:
    """The one takes minutes, since it costs the square of its resources; the other, milliseconds."""
    many = "\n---\n".join(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{number}}}" for number in range(30000))
    files = target("resources: [many.yaml]\nnamePrefix: x-\ncommonLabels: {a: b}\n", many_yaml=many)
    repository = lay_out(tmp_path, Case(files, "", "", ""))
    found = render(repository, ["target", "good"], timeout_seconds=10)
    assert found["target"].errors[0].kind == "timeout"
    assert "more than 10 seconds" in found["target"].errors[0].message
    assert found["good"].resources


def test_a_repository_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    repository = lay_out(tmp_path, Case({}, "", "", ""))
    renderer = LibraryRenderer(tmp_path / "no-such-definitions.json")
    with pytest.raises(UserError, match="definitions of Kubernetes' kinds cannot be read"):
        list(renderer.render(repository, ["good"]))
