"""The triggers and texts that the platform gives Argo CD, run by Argo CD's own engine over Applications."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml

from modelyard.tooling import find, run
from tests.manifests.composition import BASES, load
from tests.manifests.environments import rendered

VALUES = load(BASES / "platform/argocd/values.yaml")["notifications"]
ENVIRONMENT = BASES / "platform/argocd/environment/values.yaml.jinja"
REVISION = "4f2a9c1e"

pytestmark = pytest.mark.skipif(
    find("argocd-parts") is None, reason="argocd-parts is not installed: `make rehearsal-tools` builds it"
)


def settings() -> dict[str, str]:
    """The ConfigMap argocd-notifications-cm, as the chart makes it of the values."""
    ours = yaml.safe_load(
        rendered(ENVIRONMENT, platform=[{"name": "argocd-notifications"}], notifications_channel="ops")
    )
    return {
        **VALUES["notifiers"],
        **VALUES["triggers"],
        **VALUES["templates"],
        "context": "argocdUrl: https://argocd.example.com\n",
        "subscriptions": yaml.safe_dump(ours["notifications"]["subscriptions"]),
    }


def application(health: str = "Healthy", phase: str = "Succeeded", **more: Any) -> dict[str, Any]:
    """An Application with one source, as its status is after a sync."""
    return {
        "metadata": {"name": "chat", "namespace": "argocd"},
        "spec": {"project": "models"},
        "status": {
            "health": {"status": health},
            "sync": {"status": "Synced", "revision": REVISION},
            "operationState": {"phase": phase, "message": "as it ended", "syncResult": {"revision": REVISION}},
            **more,
        },
    }


def of_a_chart(**arguments: str) -> dict[str, Any]:
    """An Application with the repository and a chart as its sources: it has revisions and no revision."""
    made = application(**arguments)
    made["metadata"]["name"] = "keda"
    revisions = [REVISION, "2.20.2"]
    made["status"]["sync"] = {"status": "Synced", "revisions": revisions}
    made["status"]["operationState"]["syncResult"] = {"revision": "", "revisions": revisions}
    return made


def told(*applications: dict[str, Any]) -> list[dict[str, dict[str, Any]]]:
    """Return what each trigger says of each Application, by name of the trigger."""
    program = find("argocd-parts")
    assert program is not None
    token = base64.b64encode(b"xoxb-of-a-test").decode()
    asked = {"settings": settings(), "secret": {"slack-token": token}, "applications": applications}
    done = run([program.path, "notifications"], stdin=json.dumps(asked).encode(), timeout=60.0, check=True)
    answers = [{each["trigger"]: each for each in one} for one in json.loads(done.stdout)]
    assert all("error" not in each for one in answers for each in one.values()), answers
    # Argo CD writes expressions that cannot be evaluated to its log, and goes on.
    assert "failed to execute" not in done.stderr, done.stderr
    return answers


def fired(one: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, each in one.items() if each["fires"]]


def test_what_runs_well_or_still_runs_is_no_message() -> None:
    new: dict[str, Any] = {"metadata": {"name": "chat"}, "spec": {}, "status": {}}
    bare: dict[str, Any] = {"metadata": {"name": "chat"}, "spec": {}}
    quiet = told(
        application(),
        application(health="Progressing", phase="Running"),
        application(health="Missing", phase="Running"),
        of_a_chart(),
        new,
        bare,
    )
    assert [fired(each) for each in quiet] == [[]] * 6


@pytest.mark.parametrize("phase", ["Failed", "Error"])
def test_a_sync_that_failed_says_why_once_for_each_revision(phase: str) -> None:
    one, again, other = told(
        application(phase=phase),
        application(phase=phase),
        application(phase=phase, sync={"revision": "b7"}, operationState=failed(phase, "b7")),
    )
    assert fired(one) == ["on-sync-failed"]
    assert one["on-sync-failed"]["text"] == "chat could not be synced: as it ended"
    assert one["on-sync-failed"]["destinations"] == ["slack:ops"]
    assert one["on-sync-failed"]["oncePer"] == again["on-sync-failed"]["oncePer"] != other["on-sync-failed"]["oncePer"]


def test_what_fails_again_at_the_same_revision_is_told_again() -> None:
    """An hour is the least between two messages of one Application, so that one that comes and goes is no flood."""
    states = []
    for time in ("2026-12-01T10:05:00Z", "2026-12-01T10:55:00Z", "2026-12-01T14:05:00Z"):
        made = application(health="Degraded", phase="Failed")
        made["status"]["health"]["lastTransitionTime"] = made["status"]["operationState"]["startedAt"] = time
        states.append(made)
    first, soon, later = told(*states)
    for trigger in ("on-degraded", "on-sync-failed"):
        assert first[trigger]["oncePer"] == soon[trigger]["oncePer"] != later[trigger]["oncePer"], trigger
        assert first[trigger]["oncePer"].endswith("2026-12-01T10")


def failed(phase: str, revision: str) -> dict[str, Any]:
    return {"phase": phase, "message": "as it ended", "syncResult": {"revision": revision}}


def test_what_degrades_says_at_which_revision() -> None:
    (one,) = told(application(health="Degraded"))
    assert fired(one) == ["on-degraded"]
    assert one["on-degraded"]["text"] == f"chat is degraded at {REVISION}"
    assert one["on-degraded"]["destinations"] == ["slack:ops"]


def test_applications_of_charts_have_several_revisions() -> None:
    newer = of_a_chart(health="Degraded", phase="Failed")
    newer["status"]["operationState"]["syncResult"]["revisions"] = [REVISION, "2.20.3"]
    first, second = told(of_a_chart(health="Degraded", phase="Failed"), newer)
    assert fired(first) == ["on-degraded", "on-sync-failed"]
    for trigger in ("on-degraded", "on-sync-failed"):
        assert first[trigger]["oncePer"] not in ("", "<nil>"), "a second failure would never be told"
        assert first[trigger]["oncePer"] != second[trigger]["oncePer"]
        assert "no value" not in first[trigger]["text"]
    assert first["on-degraded"]["text"] == f"keda is degraded at {REVISION} 2.20.2"


def test_a_sync_that_never_began_has_no_revision() -> None:
    broken = application(phase="Error")
    del broken["status"]["operationState"]["syncResult"]
    (one,) = told(broken)
    assert fired(one) == ["on-sync-failed"]
