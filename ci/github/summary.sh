#!/usr/bin/env bash
# Writes the report of the rollout to the summary of the job, and sets the outputs.
set -euo pipefail

id_file=$RUNNER_TEMP/katakei-rollout-id
report=$RUNNER_TEMP/katakei-report.md

if [[ ! -s $id_file ]]; then
  printf '## Katakei: no rollout was begun\n\nExit code %s: see the log of this job.\n' \
    "${ROLL_EXIT_CODE:-unknown}" >>"$GITHUB_STEP_SUMMARY"
  exit 0
fi

rollout=$(<"$id_file")
# A canceled job had no time to write it, or has written it before the abort.
if [[ ! -s $report || $ROLL_OUTCOME == cancelled ]]; then
  words=(report --output="$report" --format=markdown)
  [[ ! $INPUT_JOURNAL ]] || words+=(--journal="$INPUT_JOURNAL")
  katakei "${words[@]}" -- "$rollout" >/dev/null || true
fi
{
  printf 'rollout=%s\n' "$rollout"
  [[ ! -s $report ]] || printf 'report=%s\n' "$report"
} >>"$GITHUB_OUTPUT"
if [[ -s $report ]]; then
  head -c 1000000 "$report" >>"$GITHUB_STEP_SUMMARY" # GitHub takes 1 MiB
else
  printf '## Katakei: rollout %s\n\nIts report could not be written: see the log of this job.\n' \
    "$rollout" >>"$GITHUB_STEP_SUMMARY"
fi
