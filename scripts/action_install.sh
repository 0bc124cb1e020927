#!/usr/bin/env bash
# Installs modelyard for action.yml: the wheel of the release that REF names, which needs no compiler; for a branch or a
# commit, this checkout, whose programs are built once.
set -euo pipefail

pip install --quiet packaging
if [[ "${REF:-}" =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  wheels=$(mktemp -d)
  gh release download "$REF" --repo "$REPOSITORY" --pattern '*.whl' --dir "$wheels"
  wheel=$(python "$GITHUB_ACTION_PATH/scripts/native_wheel.py" "$wheels")
  gh attestation verify "$wheel" --repo "$REPOSITORY"
  pip install --quiet "$wheel"
else
  pip install --quiet "$GITHUB_ACTION_PATH"
  modelyard tools install --quiet
fi
