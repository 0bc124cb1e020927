"""Settings of AIBrix's autoscaler that are labels."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment

_GROUP = "autoscaling.aibrix.ai"


@rule("autoscaling/settings-as-labels", warning, since="0.1.0")
def settings_as_labels(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AIBrix's autoscaler reads its settings from annotations; it ignores labels and uses its defaults."""
    for manifest in environment.of_kind("PodAutoscaler", _GROUP):
        wrong = [key for key in manifest.labels if key.partition("/")[0].endswith(_GROUP)]
        if wrong and environment.is_ours(manifest):
            yield Finding(
                at=manifest.at(("metadata", "labels", wrong[0]), key=True),
                message=f"{manifest} has the label {wrong[0]}, a setting that AIBrix reads only as an annotation",
                fix=f"move {', '.join(sorted(wrong))} to metadata.annotations",
            )
