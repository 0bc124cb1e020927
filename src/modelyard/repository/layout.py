"""Where things lie in a GitOps repository."""

from __future__ import annotations

ENVIRONMENTS = "environments"
"""Folder with one folder for each environment."""
PLATFORM = "bases/platform"
"""Folder of the platform's components, each of which says in `component.yaml` what it needs and brings."""
FACTS = "environment.yaml"
"""The facts of an environment, in its folder."""
ANSWERS = ".copier-answers.yml"
"""What the template was answered, at the top of a repository and in each environment."""
SETTINGS = "modelyard.yaml"
"""The checker's settings, cost ceilings, waivers and accepted gaps."""
CHART = "Chart.yaml"
"""What makes a folder a chart of Helm."""
WHOLE = ""
"""Path of the one environment of a repository that has no folder `environments`: the repository itself."""
