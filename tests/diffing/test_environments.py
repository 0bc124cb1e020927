"""What a change does to an environment, on real repositories."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelyard.checking import check
from modelyard.diffing import Kind
from modelyard.diffing.outcome import outcome
from modelyard.diffing.upgrades import kubernetes_hazards
from modelyard.findings import Severity, UserError
from tests.diffing.conftest import CHAT, SETTINGS, Changed


def topics(hazards: list[object]) -> list[str]:
    return [hazard.topic for hazard in hazards]  # type: ignore[attr-defined]


def test_a_setting_shows_its_flag_its_restart_and_no_hash(changed: Changed) -> None:
    changed.replace(SETTINGS, "max-model-len: 16384", "max-model-len: 8192")
    dev = changed.dev()
    (chat,) = dev.applications
    assert (chat.name, chat.kind, chat.model) == ("chat", Kind.CHANGED, True)
    assert [(each.flag, each.before, each.after) for each in chat.settings] == [("max-model-len", 16384, 8192)]
    (settings,) = chat.resources
    assert (settings.resource_kind, settings.name) == ("ConfigMap", "chat")
    assert settings.fields[0].lines == ("- max-model-len: 16384", "+ max-model-len: 8192")
    (restart,) = chat.restarts
    assert restart.workload == "Deployment chat"
    assert (restart.pods, restart.starting_seconds) == ("1 pod", 600)
    assert restart.pace == "one at a time, new before old"
    assert restart.extra_devices == {"nvidia.com/gpu": 1}
    assert restart.reasons == ("settings in ConfigMap chat",)
    assert [(each.folder, each.applications) for each in dev.reach] == [("overlays/qwen3-1-7b-vllm-gpu", ("chat",))]


def test_only_what_is_affected_is_rendered(changed: Changed) -> None:
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    comparison = changed.compare()
    assert comparison.rendered == 2  # chat on both sides, of seven Applications
    assert [each.name for each in comparison.environments[0].applications] == ["chat"]


def test_a_comment_in_a_base_changes_nothing_and_is_said_to_reach(changed: Changed) -> None:
    changed.replace("bases/serving/vllm/service.yaml", "apiVersion: v1\n", "# a comment\napiVersion: v1\n")
    dev = changed.dev()
    assert (dev.applications, dev.unchanged, dev.kind) == ([], ["chat"], None)
    assert not dev.differs
    assert dev.reach[0].folder == "bases/serving/vllm"


def test_a_file_that_no_environment_reads_reaches_none(changed: Changed) -> None:
    changed.replace("overlays/qwen3-8b-vllm-gpu/vllm.yaml", "model:", "# a comment\nmodel:")
    changed.write("docs/notes.md", "words")
    assert changed.compare().environments == []


def test_pods_stay_when_only_a_service_changes(changed: Changed) -> None:
    changed.replace("bases/serving/vllm/service.yaml", "port: 8000", "port: 80")
    (chat,) = changed.dev().applications
    assert chat.restarts == []
    assert chat.resources[0].fields[0].path == "spec.ports[http].port"


def test_another_image_tag_restarts_and_names_flags_that_go(changed: Changed) -> None:
    changed.replace(SETTINGS, "reasoning-parser:", "swap-space: 4\nreasoning-parser:")
    changed.replace("environments/dev/versions/kustomization.yaml", "v0.33.0", "v0.16.0")
    changed.commit("old")
    changed.replace("environments/dev/versions/kustomization.yaml", "v0.16.0", "v0.33.0")
    (chat,) = changed.dev("old").applications
    assert chat.engine is not None
    assert (chat.engine.before, chat.engine.after) == ("0.16.0", "0.33.0")
    assert chat.engine.gone_in_use == ("--swap-space",)
    assert chat.engine.new
    assert "--swap-space" not in chat.engine.gone
    (hazard,) = [each for each in chat.hazards if each.topic == "engine"]
    assert hazard.severity is Severity.ERROR
    assert "--swap-space" in hazard.message
    assert len(chat.restarts) == 1


def test_a_removed_model_comes_first_and_takes_its_objects_along(changed: Changed) -> None:
    changed.replace("environments/dev/kustomization.yaml", "  - applications/chat.yaml\n", "")
    dev = changed.dev()
    assert [(each.name, each.kind) for each in dev.applications] == [("chat", Kind.REMOVED)]
    (hazard,) = dev.applications[0].hazards
    assert hazard.topic == "deletion"
    assert "with its 6 objects" in hazard.message


def test_a_renamed_model_is_one_change_not_two(changed: Changed) -> None:
    shutil.move(changed.root / "environments/dev/models/chat", changed.root / "environments/dev/models/talk")
    changed.replace("environments/dev/models/talk/kustomization.yaml", "value: chat", "value: talk")
    changed.replace("environments/dev/models/talk/kustomization.yaml", "instance: chat", "instance: talk")
    stub = (changed.root / "environments/dev/applications/chat.yaml").read_text()
    (changed.root / "environments/dev/applications/chat.yaml").unlink()
    changed.write(
        "environments/dev/applications/talk.yaml",
        stub.replace("models/chat", "models/talk").replace(": chat", ": talk"),
    )
    changed.replace("environments/dev/kustomization.yaml", "applications/chat.yaml", "applications/talk.yaml")
    (talk,) = changed.dev().applications
    assert (talk.kind, talk.name_before, talk.name) == (Kind.RENAMED, "chat", "talk")
    assert "rename" in topics(talk.hazards)  # type: ignore[arg-type]


def test_autoscaling_that_is_switched_off_lets_replicas_fall(changed: Changed) -> None:
    off = (changed.root / CHAT).read_text()
    changed.replace(CHAT, "components:\n", "components:\n  - ../../../../bases/features/scale-on-queue\n")
    changed.commit("scaled")
    changed.write(CHAT, off)
    (chat,) = changed.dev("scaled").applications
    (hazard,) = [each for each in chat.hazards if each.topic == "replicas"]
    assert "falls to 1 replica" in hazard.message
    assert "1 to 2" in hazard.message


def test_a_selector_cannot_be_changed(changed: Changed) -> None:
    changed.replace(
        CHAT,
        "instance: chat}\n    includeSelectors",
        "instance: chat, team: search}\n    includeSelectors",
    )
    comparison = changed.compare()
    (chat,) = comparison.environments[0].applications
    assert comparison.fails(Severity.ERROR)
    immutable = [each.message for each in chat.hazards if each.topic == "immutable"]
    assert len(immutable) == 1
    assert "Deployment chat: spec.selector cannot be changed" in immutable[0]


def test_a_head_that_does_not_render_fails_and_says_where(changed: Changed) -> None:
    changed.write(SETTINGS, "model: a\n")
    changed.replace(CHAT, "resources:\n", "resources:\n  - missing.yaml\n")
    comparison = changed.compare()
    (chat,) = comparison.environments[0].applications
    assert chat.hazards[0].topic == "render"
    assert "missing.yaml does not exist" in chat.hazards[0].message
    assert comparison.fails(Severity.ERROR)
    assert comparison.incomplete


def test_a_base_that_does_not_render_leaves_the_rest_compared(changed: Changed) -> None:
    good = (changed.root / CHAT).read_text()
    changed.write(CHAT, f"<<<<<<< ours\n{good}=======\n{good}>>>>>>> theirs\n")
    changed.commit("broken")
    changed.write(CHAT, good)
    changed.replace("bases/platform/karpenter/pools/gpu.yaml", "            - g6e\n", "")
    comparison = changed.compare("broken")
    (dev,) = comparison.environments
    assert [each.name for each in dev.applications] == ["karpenter"]
    (gap,) = [each for each in dev.not_compared if each.application == "chat"]
    assert "the base side does not render" in gap.reason
    assert not comparison.fails(Severity.ERROR)


def test_a_root_that_does_not_render_is_said_of_the_environment(changed: Changed) -> None:
    changed.replace("environments/dev/kustomization.yaml", "resources:\n", "resources:\n<<<<<<< HEAD\n")
    comparison = changed.compare()
    (dev,) = comparison.environments
    assert topics(dev.hazards) == ["render"]  # type: ignore[arg-type]
    assert comparison.fails(Severity.ERROR)
    reverse = changed.commit("conflict")
    dev = changed.dev(f"{reverse}..base")
    assert "does not render" in dev.not_compared[0].reason


def test_a_deleted_environment_leaves_its_cluster_running(changed: Changed) -> None:
    shutil.rmtree(changed.root / "environments/dev")
    dev = changed.dev()
    assert dev.kind is Kind.REMOVED
    assert "keep running unmanaged" in dev.hazards[0].message
    assert {each.name for each in dev.applications} >= {"chat", "karpenter"}


def test_an_environment_in_another_folder_is_a_rename(changed: Changed) -> None:
    shutil.move(changed.root / "environments/dev", changed.root / "environments/stage")
    for path in (changed.root / "environments/stage").rglob("*.yaml"):
        path.write_text(path.read_text().replace("environments/dev", "environments/stage"))
    (stage,) = changed.compare().environments
    assert (stage.kind, stage.name_before, stage.name) == (Kind.RENAMED, "dev", "stage")
    assert {each.kind for each in stage.applications} == {Kind.CHANGED}


def test_a_new_environment_lists_what_it_brings(changed: Changed) -> None:
    shutil.copytree(changed.root / "environments/dev", changed.root / "environments/prod")
    for path in (changed.root / "environments/prod").rglob("*.yaml"):
        text = path.read_text().replace("environments/dev", "environments/prod")
        path.write_text(text.replace("cluster: my-platform-dev", "cluster: my-platform-prod"))
    comparison = changed.compare()
    assert [(each.name, each.kind) for each in comparison.environments] == [("prod", Kind.ADDED)]
    chat = next(each for each in comparison.environments[0].applications if each.name == "chat")
    assert (chat.kind, chat.scale) == (Kind.ADDED, "1 replica on 1 gpu")


def test_a_change_in_one_environment_leaves_the_other_unread(changed: Changed) -> None:
    shutil.copytree(changed.root / "environments/dev", changed.root / "environments/prod")
    for path in (changed.root / "environments/prod").rglob("*.yaml"):
        path.write_text(path.read_text().replace("environments/dev", "environments/prod"))
    changed.commit("two")
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    assert [each.name for each in changed.compare("two").environments] == ["dev"]
    changed.replace("bases/serving/vllm/service.yaml", "port: 8000", "port: 80")
    both = changed.compare("two")
    assert [each.name for each in both.environments] == ["dev", "prod"]
    assert [each.name for each in changed.compare("two", environments=("prod",)).environments] == ["prod"]


def test_facts_of_the_environment_are_told(changed: Changed) -> None:
    changed.replace("environments/dev/environment.yaml", 'kubernetes: "1.35"', 'kubernetes: "1.36"')
    (fact,) = changed.dev().facts
    assert (fact.path, fact.before, fact.after) == ("kubernetes", "1.35", "1.36")


def test_a_pinned_application_follows_its_revision_alone(changed: Changed) -> None:
    first = changed.commit("v1")
    kustomization = "environments/dev/kustomization.yaml"
    pinned = 'path: /spec/source/targetRevision, value: "{}"'
    changed.replace(kustomization, pinned.format("main"), pinned.format(first))
    changed.commit("pinned")
    changed.replace(SETTINGS, "max-model-len: 16384", "max-model-len: 8192")
    second = changed.commit("newer")
    assert changed.dev("pinned..newer").applications == []
    changed.replace(kustomization, first, second)
    changed.commit("promoted")
    chat = next(each for each in changed.dev("newer..promoted").applications if each.name == "chat")
    assert [(each.flag, each.after) for each in chat.settings] == [("max-model-len", 8192)]


def test_settings_that_a_preview_does_not_use_are_left_to_the_check(changed: Changed) -> None:
    with (changed.root / "modelyard.yaml").open("a") as stream:
        stream.write("ceilings: {dev: {usd-per-month: -1}}\n")
    changed.commit("ceilings")
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    changed.commit("fewer")
    assert [each.name for each in changed.dev("ceilings..fewer").applications] == ["chat"]
    with pytest.raises(UserError, match="usd-per-month"):
        check(changed.root)
    with (changed.root / "modelyard.yaml").open("a") as stream:
        stream.write("engine-versions: [vllm]\n")
    changed.replace(CHAT, "--max-num-seqs=32", "--max-num-seqs=16")
    changed.commit("versions")
    with pytest.raises(UserError, match="engine-versions"):
        changed.compare("fewer..versions")


def test_new_findings_are_told_and_old_ones_are_not(changed: Changed) -> None:
    changed.replace(SETTINGS, "tensor-parallel-size: 1", "tensor-parallel-size: 3")
    comparison = changed.compare(findings=True)
    (dev,) = comparison.environments
    assert dev.new_findings is not None
    assert "fit/indivisible-attention-heads" in {each.rule for each in dev.new_findings}
    assert comparison.fails(Severity.ERROR)
    changed.commit("worse")
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    dev = changed.dev("worse", findings=True)
    assert "fit/indivisible-attention-heads" not in {each.rule for each in dev.new_findings or ()}


def test_policies_of_a_foreign_repository_do_not_run(changed: Changed, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    changed.write("policies/hostile.py", f"from pathlib import Path\nPath({str(touched)!r}).write_text('ran')\n")
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    changed.dev(findings=True)
    assert not touched.exists()


def test_devices_that_a_model_asks_for_show_in_where_it_runs_and_what_it_costs(changed: Changed) -> None:
    changed.replace("overlays/qwen3-1-7b-vllm-gpu/devices.yaml", 'nvidia.com/gpu: "1"', 'nvidia.com/gpu: "4"')
    changed.replace(SETTINGS, "tensor-parallel-size: 1", "tensor-parallel-size: 4")
    (chat,) = changed.dev(findings=True).applications
    before, after = chat.columns["runs on"]
    assert before.startswith("gpu: g")
    assert "12xlarge" in after
    assert "12xlarge" not in before
    assert chat.columns["$/month"][1].startswith("+")
    assert "$/month" not in changed.dev().applications[0].columns


def test_nothing_is_saved_by_a_pod_that_finds_no_node(changed: Changed) -> None:
    limits = "environments/dev/platform/karpenter/kustomization.yaml"
    changed.replace(CHAT, "patches:\n", "replicas: [{name: serving, count: 2}]\npatches:\n")
    changed.commit("two")
    changed.replace(limits, 'nvidia.com/gpu: "16"', 'nvidia.com/gpu: "1"')
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    comparison = changed.compare("two", findings=True)
    (dev,) = comparison.environments
    assert dev.unscheduled_models == ["chat"]
    assert comparison.fails(Severity.ERROR)
    assert dev.cost is not None and dev.cost.difference is None
    (chat,) = [each for each in dev.applications if each.model]
    assert chat.columns["$/month"][1] == "not known: pods of it find no node"
    assert outcome(dev).startswith("1 new error, 1 model cannot be scheduled")
    assert "cost not known" in outcome(dev)
    changed.commit("one")
    # The same the other way round: what was pending runs again, and costs.
    changed.replace(limits, 'nvidia.com/gpu: "1"', 'nvidia.com/gpu: "16"')
    dev = changed.dev("one", findings=True)
    assert dev.unscheduled_models == []
    assert dev.cost is not None and dev.cost.difference is not None and min(dev.cost.difference) > 100


@pytest.mark.parametrize(
    ("before", "after", "severity", "words"),
    [
        ("1.34", "1.36", Severity.ERROR, "has to become 1.35 before 1.36"),
        ("1.36", "1.35", Severity.ERROR, "takes no cluster back"),
        ("1.35", "1.36", Severity.WARNING, "never back to 1.35; then every node is replaced"),
        ("1.35", "1.35.2", None, ""),
        ("1.35", "newest", None, ""),
    ],
)
def test_a_cluster_goes_one_minor_version_forward_and_never_back(
    before: str, after: str, severity: Severity | None, words: str
) -> None:
    facts = {"cluster": "my-platform-dev"}
    found = list(kubernetes_hazards({**facts, "kubernetes": before}, {**facts, "kubernetes": after}))
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert all(words in each.message for each in found)
    elsewhere = {"cluster": "another", "kubernetes": after}
    assert not list(kubernetes_hazards({**facts, "kubernetes": before}, elsewhere))
