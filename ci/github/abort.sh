#!/usr/bin/env bash
# Brings the targets in progress back into service after a job was canceled. GitHub gives this step up to 5 minutes.
set -euo pipefail

id_file=$RUNNER_TEMP/katakei-rollout-id
if [[ ! -s $id_file ]]; then
  echo "No rollout was begun."
  exit 0
fi
rollout=$(<"$id_file")
words=(abort)
[[ ! $INPUT_JOURNAL ]] || words+=(--journal="$INPUT_JOURNAL")
exec katakei "${words[@]}" -- "$rollout"
