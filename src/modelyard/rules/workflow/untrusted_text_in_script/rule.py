"""Scripts that hold what strangers write."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, text, workflows

# What whoever opens a pull request or an issue, or pushes a branch, chooses freely. Names of users and repositories are
# not among it: GitHub permits letters, digits, hyphens, dots and underscores in them.
_UNTRUSTED = re.compile(
    r"\$\{\{[^{}]*?\b(github\.(?:head_ref|event\.(?:"
    r"(?:pull_request|issue|discussion|comment|review|review_comment)\.(?:title|body)"
    r"|pull_request\.head\.(?:ref|label|repo\.(?:default_branch|description|homepage))"
    r"|head_commit\.(?:message|author\.(?:name|email))|commits[^{}]*\.message|pages[^{}]*\.page_name)))[^{}]*\}\}"
)


@rule("workflow/untrusted-text-in-script", error, since="0.1.0")
def untrusted_text_in_script(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Text from a pull request inside a script runs as part of the script."""
    for workflow in workflows(environment):
        for path, step in workflow.steps():
            for key in ("run", "script"):
                below = ("with", key) if key == "script" else (key,)
                script = text(step.get("with"), key) if key == "script" else text(step, key)
                found = _UNTRUSTED.search(script)
                if found:
                    yield Finding(
                        at=workflow.at(*path, *below),
                        message=f"a script of {workflow.file} contains {found[1]}, which anyone can control",
                        fix="pass it as a variable under env, and quote the variable in the script",
                    )
