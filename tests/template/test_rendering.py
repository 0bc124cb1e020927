"""What the template renders: builds, addresses, formatting, pins and scripts."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from ruamel.yaml import YAML

from modelyard.catalog import regions
from modelyard.repository import Repository
from modelyard.scaffolding import new_repository
from modelyard.tooling import pins, run
from tests.template.conftest import PROJECT, REPOSITORY_URL
from tests.template.kustomize import build, builds, named, targets

PATHS = "argocd.argoproj.io/manifest-generate-paths"
WAVE = "argocd.argoproj.io/sync-wave"


@pytest.fixture(scope="session")
def applications(two_environments: Path) -> list[dict[str, Any]]:
    """The root's resources in dev, as Argo CD gets them."""
    return [each for each in build(two_environments / "environments/dev") if each["kind"] == "Application"]


def test_every_kustomization_builds(two_environments: Path) -> None:
    folders = targets(two_environments)
    assert len(folders) > 20
    assert not list(builds(two_environments, folders))


def test_there_is_nothing_left_of_the_template(two_environments: Path) -> None:
    for file in two_environments.rglob("*"):
        assert not file.is_symlink(), f"{file} is a link; generated repositories hold files"
        assert "{" not in file.name and not file.name.endswith(".jinja")
        if file.is_file() and ".git" not in file.parts and file.suffix not in (".yml", ".md"):
            assert "{%" not in file.read_text(), file


def test_yaml_is_formatted(two_environments: Path) -> None:
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.preserve_quotes = True
    yaml.width = 4096  # a list of paths or a command is one line, however long
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    files = [
        each for each in two_environments.rglob("*.y*ml") if ".git" not in each.relative_to(two_environments).parts
    ]
    assert len(files) > 80
    for file in files:
        text, again = file.read_text(), io.StringIO()
        yaml.dump_all(list(yaml.load_all(text)), again)
        assert again.getvalue() == text, f"{file.relative_to(two_environments)} is not formatted"


def test_files_end_with_one_line_break(two_environments: Path) -> None:
    for file in two_environments.rglob("*"):
        if file.is_file() and ".git" not in file.relative_to(two_environments).parts and file.stat().st_size:
            text = file.read_text()
            assert text.endswith("\n") and not text.endswith("\n\n"), file
            assert not re.search(r"[ \t]$", text, re.MULTILINE), f"{file} has blanks at the end of a line"


def test_an_environment_touches_its_own_folder_only(two_environments: Path) -> None:
    changed = run(
        ["git", "show", "--name-only", "--format=", "HEAD"], cwd=two_environments, timeout=30, check=True
    ).stdout.decode()
    assert set(changed.split()) and all(path.startswith("environments/prod/") for path in changed.split())


def test_each_application_names_every_folder_that_it_reads(two_environments: Path) -> None:
    """Held against a reading of the kustomizations of its own, and against the checker's."""
    checker = Repository(two_environments)
    stubs = sorted(two_environments.glob("environments/*/applications/*.yaml"))
    assert len(stubs) >= 16
    for file in stubs:
        stub = yaml.safe_load(file.read_text())
        source = (stub["spec"].get("sources") or [stub["spec"]["source"]])[0]
        written = stub["metadata"]["annotations"][PATHS]
        assert set(written.split(";")) == {f"/{each}" for each in _folders(two_environments, source["path"])}, file
        assert written == checker.manifest_generate_paths(source["path"]), file
        for values in stub["spec"].get("sources", ())[1:]:
            for value_file in values["helm"]["valueFiles"]:
                path = value_file.removeprefix("$repository/")
                assert (two_environments / path).is_file(), f"{file} names {path}"
                assert any(f"/{path}".startswith(f"{each}/") for each in written.split(";")), f"{file}: {path}"


def _folders(root: Path, folder: str) -> set[str]:
    content = yaml.safe_load((root / folder / "kustomization.yaml").read_text())
    found = {folder}
    for entry in (*(content.get("resources") or ()), *content.get("components", ())):
        below = (root / folder / entry).resolve()
        if below.is_dir():
            found |= _folders(root, below.relative_to(root.resolve()).as_posix())
    return found


def test_shared_patches_complete_every_application(applications: list[dict[str, Any]]) -> None:
    for application in applications:
        spec, name = application["spec"], application["metadata"]["name"]
        own = spec["sources"][0] if "sources" in spec else spec["source"]
        assert ("sources" in spec) != ("source" in spec), name
        assert (own["repoURL"], own["targetRevision"]) == (REPOSITORY_URL, "main"), name
        assert spec["destination"]["server"] == "https://kubernetes.default.svc"
        assert spec["syncPolicy"]["retry"]["refresh"] is True
        assert {"ServerSideApply=true", "PruneLast=true"} <= set(spec["syncPolicy"]["syncOptions"])
        is_model = application["metadata"]["labels"]["app.kubernetes.io/component"] == "model"
        assert spec["project"] == ("models" if is_model else "platform")
        assert bool(application["metadata"].get("finalizers")) is is_model, f"finalizers belong on models only: {name}"


def test_revision_of_an_environment_reaches_its_applications_but_not_the_root(two_environments: Path) -> None:
    prod = two_environments / "environments/prod"
    models = [each for each in build(prod) if each["spec"].get("project") == "models"]
    assert models and all(each["spec"]["source"]["targetRevision"] == "v1" for each in models)
    root = named(build(prod / "bootstrap"), "Application", "root")
    assert root["spec"]["source"]["targetRevision"] == "main"
    assert root["spec"]["source"]["path"] == "environments/prod"


def components_of(root: Path, applications: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the bases of the environment's platform components say about themselves, by name."""
    return {
        each["metadata"]["name"]: yaml.safe_load(
            (root / "bases/platform" / each["metadata"]["name"] / "component.yaml").read_text()
        )
        for each in applications
        if each["spec"]["project"] == "platform"
    }


def test_waves_follow_what_components_need(two_environments: Path, applications: list[dict[str, Any]]) -> None:
    waves = {each["metadata"]["name"]: int(each["metadata"]["annotations"].get(WAVE, 0)) for each in applications}
    components = components_of(two_environments, applications)
    assert {"argocd", "karpenter", "karpenter-crd", "external-secrets", "model-namespace"} <= set(components)
    for name, component in components.items():
        for need in component["needs"]:
            assert need in waves, f"{name} needs {need}, which the environment does not have"
            assert waves[need] < waves[name], f"{name} needs {need}, which should come before it"
    models = [each["metadata"]["name"] for each in applications if each["spec"]["project"] == "models"]
    assert all(waves[name] == 0 for name in models)
    assert all(wave < 0 for name, wave in waves.items() if name not in models)


def test_charts_are_those_that_the_bases_were_written_for(
    two_environments: Path, applications: list[dict[str, Any]]
) -> None:
    platform = named(build(two_environments / "environments/dev"), "AppProject", "platform")
    spaces = {each["namespace"] for each in platform["spec"]["destinations"]}
    for name, component in components_of(two_environments, applications).items():
        spec = next(each for each in applications if each["metadata"]["name"] == name)["spec"]
        assert spec["destination"]["namespace"] == component["namespace"]
        assert component["namespace"] in spaces
        if "chart" in component:
            chart = spec["sources"][1]
            wanted = component["chart"]
            assert (chart["repoURL"], chart["targetRevision"]) == (wanted["repository"], wanted["version"])
            assert chart["path"] == wanted["path"] if "path" in wanted else chart["chart"] == wanted["name"]
            assert chart["repoURL"] in platform["spec"]["sourceRepos"]


def test_project_of_models_allows_nothing_that_is_cluster_wide(two_environments: Path) -> None:
    models = named(build(two_environments / "environments/dev"), "AppProject", "models")["spec"]
    assert "clusterResourceWhitelist" not in models
    assert [each["namespace"] for each in models["destinations"]] == ["models"]
    refused = {(each["group"], each["kind"]) for each in models["namespaceResourceBlacklist"]}
    for folder in targets(two_environments / "environments/dev/models"):
        for resource in build(folder):
            group = resource["apiVersion"].rpartition("/")[0]
            assert not {(group, resource["kind"]), (group, "*")} & refused, f"{folder.name} holds {resource['kind']}"


def test_starter_models_are_what_their_overlays_say() -> None:
    menu = yaml.safe_load(yaml.safe_load((PROJECT / "copier.yml").read_text())["starter_menu"]["default"])
    for name, entry in menu.items():
        overlay = yaml.safe_load((PROJECT / "overlays" / entry["overlay"] / "overlay.yaml").read_text())
        assert entry["features"] == overlay["requires"], name
        assert entry["engine"] == overlay["engine"], name
        assert ("needs" in entry) == (overlay["accelerator"] == "gpu"), name


def test_starter_models_of_an_engine_hold_what_it_asks_for(template: Path, tmp_path: Path) -> None:
    given = {"repository_url": REPOSITORY_URL, "account_id": "111122223333", "gpu_pool": "false"}
    given["starter_models"] = "tabular-sklearn"
    made = new_repository(tmp_path / "platform", template=str(template), data=given, interactive=False)
    written = yaml.safe_load(
        (made.repository / "environments/dev/models/tabular-sklearn/kustomization.yaml").read_text()
    )
    engine = yaml.safe_load((PROJECT / "bases/serving/mlserver/engine.yaml").read_text())
    assert written["replacements"] == engine["environment"]["replacements"]
    answers = yaml.safe_load((made.repository / "environments/dev/.copier-answers.yml").read_text())
    assert answers["neuron_pool"] is False, "whoever wants no GPUs wants no accelerators"


def test_one_overlay_serves_twice(repository: Path) -> None:
    models = repository / "environments/dev/models"
    text = (models / "qwen3-1-7b/kustomization.yaml").read_text()
    for name in ("chat", "summaries"):
        (models / name).mkdir()
        (models / name / "kustomization.yaml").write_text(text.replace("qwen3-1-7b}", name + "}"))
    both = [build(models / name) for name in ("chat", "summaries")]
    identities = [(each["kind"], each["metadata"]["name"]) for resources in both for each in resources]
    assert len(identities) == len(set(identities)), "two models of one overlay share an object"
    for name, resources in zip(("chat", "summaries"), both, strict=True):
        deployment, service = named(resources, "Deployment", name), named(resources, "Service", name)
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == name
        assert service["spec"]["selector"].items() <= labels.items()
        monitor = named(resources, "ServiceMonitor", name)
        assert monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"] == name


def test_node_pools_have_the_network_and_limits_of_the_environment(two_environments: Path) -> None:
    resources = build(two_environments / "environments/prod/platform/karpenter")
    classes = [each["spec"] for each in resources if each["kind"] == "EC2NodeClass"]
    assert len(classes) == 4
    for spec in classes:
        assert spec["role"] == "my-platform-prod-karpenter-node"
        wanted = [{"tags": {"karpenter.sh/discovery": "my-platform-prod"}}]
        assert spec["subnetSelectorTerms"] == spec["securityGroupSelectorTerms"] == wanted
    assert named(resources, "NodePool", "gpu")["spec"]["limits"] == {"nvidia.com/gpu": "16"}
    namespace = build(two_environments / "environments/prod/platform/model-namespace")
    assert named(namespace, "ExternalSecret", "hf-token")["spec"]["data"][0]["remoteRef"]["key"] == (
        "my-platform-prod/hf-token"
    )
    assert named(namespace, "ResourceQuota", "models")["spec"]["hard"]["requests.nvidia.com/gpu"] == "16"


def test_terraform_knows_every_variable_that_an_environment_sets(two_environments: Path) -> None:
    declared = {
        name.strip('"')
        for file in (two_environments / "terraform").glob("*.tf")
        for block in hcl2.loads(file.read_text()).get("variable", ())
        for name in block
    }
    parsed = hcl2.loads((two_environments / "environments/dev/terraform.tfvars").read_text())
    settings = {name: value for name, value in parsed.items() if not name.startswith("__")}  # comments have such names
    assert len(settings) >= 8
    assert set(settings) <= declared
    facts = yaml.safe_load((two_environments / "environments/dev/environment.yaml").read_text())
    assert [zone.strip('"') for zone in settings["zones"]] == facts["zones"]
    assert len(facts["zones"]) == 4


def test_tools_for_people_are_those_that_the_checker_pins(two_environments: Path) -> None:
    import tomllib

    tools = tomllib.loads((two_environments / "mise.toml").read_text())["tools"]
    for each in pins():
        if each.name in tools and each.exact:
            assert tools[each.name] == each.version, each.name
    assert {"kustomize", "kubeconform", "helm"} <= set(tools)


def test_actions_and_hooks_are_pinned_by_commit(two_environments: Path) -> None:
    workflow = (two_environments / ".github/workflows/check.yml").read_text()
    used = re.findall(r"uses: (.*)", workflow)
    assert used and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", each) for each in used)
    assert yaml.safe_load(workflow)["permissions"] == {}
    hooks = yaml.safe_load((two_environments / ".pre-commit-config.yaml").read_text())["repos"]
    assert all(re.fullmatch("[0-9a-f]{40}", each["rev"]) for each in hooks if each["repo"] != "local")


def test_reviews_fold_what_the_template_owns_and_nothing_that_runs(two_environments: Path) -> None:
    folded = {
        "bases/serving/vllm/deployment.yaml": "set",
        "terraform/main.tf": "set",
        "terraform/.terraform.lock.hcl": "unset",
        "environments/dev/environment.yaml": "unspecified",
        "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml": "unspecified",
        ".github/workflows/check.yml": "unspecified",
        "scripts/install.sh": "unspecified",
        "policies/untrusted_image.py": "unspecified",
    }
    done = run(["git", "check-attr", "linguist-generated", *folded], cwd=two_environments, timeout=30, check=True)
    told = dict(re.findall(r"^(.*): linguist-generated: (\w+)$", done.stdout.decode(), re.MULTILINE))
    assert told == folded


def test_the_template_knows_every_region_of_the_catalogue() -> None:
    questions = yaml.safe_load((PROJECT / "copier.yml").read_text())
    offered = yaml.safe_load(questions["aws_regions"]["default"])
    assert all(re.fullmatch("[a-z]{2}(-[a-z]+)+-[0-9]", each) for each in offered)
    assert set(regions()) <= set(offered)


def test_the_template_asks_for_no_trust() -> None:
    questions = yaml.safe_load((PROJECT / "copier.yml").read_text())
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(questions)
    assert questions["_envops"]["undefined"] == "jinja2.StrictUndefined"
    for name, question in questions.items():
        if name.startswith("_") or question.get("when") is False:
            continue
        assert question["help"], name
        assert len(question["help"]) <= 74, f"{name}: a terminal of 80 columns cuts the help"
        assert question["type"] in ("str", "int", "bool"), f"{name}: answers should be scalars"
        assert question["type"] == "bool" or "choices" in question or "validator" in question, f"{name} takes anything"


@pytest.mark.parametrize("script", ["install.sh", "cleanup.sh"])
def test_scripts_tell_what_they_would_do_and_refuse_what_is_not_there(two_environments: Path, script: str) -> None:
    path = two_environments / "scripts" / script
    # The list of cleanup.sh comes from the cluster; test_cleanup.py has one.
    if script == "install.sh":
        dry = run([path, "--dry-run", "dev"], cwd=two_environments, timeout=30, check=True)
        commands = [line for line in dry.stderr.splitlines() if line.startswith("+ ")]
        assert len(commands) >= 8
        assert any("-backend-config=../environments/dev/backend.hcl" in line for line in commands)
        assert all("my-platform-prod" not in line for line in commands)
    unknown = run([path, "--dry-run", "nowhere"], cwd=two_environments, timeout=30)
    assert unknown.returncode == 2
    assert "there is no environment nowhere here" in unknown.stderr
    assert run([path], cwd=two_environments, timeout=30).returncode == 2


def test_scripts_are_clean(two_environments: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = run(
        [shellcheck, "-x", *sorted((two_environments / "scripts").glob("*.sh"))], cwd=two_environments, timeout=60
    )
    assert done.returncode == 0, done.stdout.decode()
