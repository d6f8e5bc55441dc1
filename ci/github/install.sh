#!/usr/bin/env bash
# Installs the Katakei of this version of the action, with pinned packages, into an environment of the job.
set -euo pipefail

environment=$RUNNER_TEMP/katakei
pip=$environment/bin/pip
python3 -m venv "$environment"
"$pip" install --quiet --disable-pip-version-check --require-hashes -r "$GITHUB_ACTION_PATH/requirements/action.txt"
"$pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation "$GITHUB_ACTION_PATH"
printf '%s\n' "$environment/bin" >>"$GITHUB_PATH"
