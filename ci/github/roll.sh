#!/usr/bin/env bash
# Runs one rollout for action.yml: `katakei roll` with AWS rights, `katakei trigger` at a server without any.
# The inputs come as environment variables and go into an array, so that no shell reads them as code.
set -euo pipefail

id_file=$RUNNER_TEMP/katakei-rollout-id
report=$RUNNER_TEMP/katakei-report.md
rm -f -- "$id_file" "$report" # of an earlier step of this job

refuse() {
  printf '::error title=katakei::%s\n' "$1"
  printf 'exit-code=2\n' >>"$GITHUB_OUTPUT"
  exit 2
}

case $INPUT_ON_CANCEL in
  abort | leave) ;;
  *) refuse "on-cancel must be abort or leave" ;;
esac

files=(--id-file="$id_file" --report="$report")
if [[ $INPUT_SERVER || $INPUT_SERVICE ]]; then
  [[ $INPUT_SERVER && $INPUT_SERVICE ]] || refuse "give server and service together"
  [[ ! $INPUT_JOURNAL ]] || refuse "give journal or server, not both: a server has its own journal"
  [[ ! $INPUT_LOCK_WAIT ]] || refuse "lock-wait works only without a server"
  words=(trigger --wait --server="$INPUT_SERVER" --on-cancel="$INPUT_ON_CANCEL")
  words+=("${files[@]}" --release="$INPUT_RELEASE" -- "$INPUT_SERVICE")
else
  words=(roll --file="$INPUT_CONFIG" --release="$INPUT_RELEASE" "${files[@]}")
  [[ ! $INPUT_LOCK_WAIT ]] || words+=(--lock-wait="$INPUT_LOCK_WAIT")
  [[ ! $INPUT_JOURNAL ]] || words+=(--journal="$INPUT_JOURNAL")
fi

# A canceled job sends SIGINT, SIGTERM after 7.5 s, and ends every process 2.5 s later. The first signal makes katakei
# finish the targets in progress, the second makes it stop at once. A process in the background ignores SIGINT.
katakei "${words[@]}" &
child=$!
signaled=
# shellcheck disable=SC2329 # the trap calls it
forward() {
  signaled=yes
  kill -TERM "$child" 2>/dev/null || true
}
trap forward INT TERM HUP
while :; do
  signaled=
  code=0
  wait "$child" || code=$?
  [[ $signaled ]] || break # else the signal ended the wait, not katakei
done
printf 'exit-code=%s\n' "$code" >>"$GITHUB_OUTPUT"
exit "$code"
