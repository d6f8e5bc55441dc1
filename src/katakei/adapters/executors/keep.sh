# The keeper: claims one mark, runs the work under it in a session of its own, and records how it ended. See mark.sh.
# Arguments: the mark's folder, the shell of the user's command with its option, the command, the last second in which it
# may begin, this machine's id, the id of the state folder ('' where it has none), and the command's own "$@".
# It reads nothing from its standard input.
set -uf
dir=$1 shell=$2 run=$3 not_after=$4 machine=$5 folder=$6
shift 6
root=${dir%/*/*}
name=${dir#"$root"/}
# The signals are caught, not ignored: the work would inherit an ignored signal.
stopped=''
trap 'stopped=1' HUP INT TERM

# The start of this process in ticks since boot (proc(5), field 22).
ticks() { read -r stat <"/proc/$$/stat" && field22 ${stat##*) }; }
field22() { printf '%s' "${20}"; }
put() { printf '%s\n' "$2" >"$dir/.$1" && mv "$dir/.$1" "$dir/$1"; }

# The work may remove its mark, and another process may claim the name then. Only its own mark gets what became of it.
own() { { read -r first rest <"$dir/pid" && [ "$first" = "$$" ]; } 2>/dev/null; }

# Keeps at least the last 64 KiB. It always goes on reading: a pipe without a reader would kill the writer.
drain() {
    trap '' HUP INT TERM
    : >"$dir/part"
    lost=0
    while [ -w "$dir/part" ] && [ ! -e "$dir/exit" ]; do
        said=$({ dd bs=65536 count=1 >>"$dir/part"; } 2>&1)
        case $said in "0+0 "*) own && : >"$dir/drained"; return ;; esac
        if [ "$(wc -c <"$dir/part")" -ge 65536 ]; then
            if [ -e "$dir/full" ]; then lost=$((lost + $(wc -c <"$dir/full"))) && echo "$lost" >"$dir/lost"; fi
            mv "$dir/part" "$dir/full" && : >"$dir/part"
        fi
    done
    rm -f "$dir/part"
    exec cat >/dev/null
}

[ "$(date +%s)" -le "$not_after" ] || exit 75
mkdir -m 700 "$dir" || exit 73
# Two starts may be here at once, and the first one's work may have removed its mark, or the whole state folder.
same_folder() { [ -z "$folder" ] || { read -r now <"$root/.machines/$machine" && [ "$now" = "$folder" ]; } 2>/dev/null; }
was_begun() {
    [ -r "$root/.machines/$machine" ] || return 1
    while read -r line; do
        if [ "$line" = "$name" ]; then return 0; fi
    done <"$root/.machines/$machine"
    return 1
}
if ! same_folder || was_begun; then
    rmdir "$dir"
    exit 73
fi
put machine "$machine" || exit 73
[ -z "$folder" ] || printf '%s\n' "$name" >>"$root/.machines/$machine" || exit 73
boot=${KATAKEI_BOOT_ID:-$(cat /proc/sys/kernel/random/boot_id)}
put boot_id "$boot" && put pid "$$ $(ticks)" && mkfifo -m 600 "$dir/pipe" && mkdir "$dir/go" || exit 73
# If a power cut could undo the claim, the work could begin a second time. A sync without file arguments takes longer.
parent=${dir%/*}
sync "$dir/pid" "$dir" "$parent" "${parent%/*}" 2>/dev/null || sync

drain <"$dir/pipe" &
# The work gets a session of its own: when it ends its whole process group, the keeper stays, and by that session it can
# be cancelled. It never runs in the background: such a child, and so the work, would ignore SIGINT and SIGQUIT.
leader='dir=$1 shell=$2 run=$3
shift 3
read -r stat <"/proc/$$/stat"
field22() { printf "%s" "${20}"; }
printf "%s %s\n" "$$" "$(field22 ${stat##*) })" >"$dir/.work" && mv "$dir/.work" "$dir/work"
exec $shell -c "$run" "${shell%% *}" "$@"'
setsid sh -c "$leader" katakei-work "$dir" "$shell" "$run" "$@" </dev/null >"$dir/pipe" 2>&1
code=$?

# Nothing that another process claimed may look ended.
own || exit "$code"

# Processes that the work left running may hold the pipe open for ever; the keeper does not wait for them.
for pause in 0.005 0.02 0.05 0.1 0.2 0.3 0.4; do
    [ -e "$dir/drained" ] && break
    sleep "$pause" 2>/dev/null || sleep 1
done
cat "$dir/full" "$dir/part" 2>/dev/null | tail -c 65536 >"$dir/.out"
mv "$dir/.out" "$dir/out"
lost=0
if [ -e "$dir/lost" ]; then read -r lost <"$dir/lost"; fi
put size "$((lost + $(cat "$dir/full" "$dir/part" 2>/dev/null | wc -c)))"
# A machine that shuts down ends both: such work was interrupted, it did not end by itself.
[ -z "$stopped" ] || [ "$code" -le 128 ] || exit "$code"
# Cancelled work has not ended well, whatever its exit code.
if [ -e "$dir/cancelled" ] && [ "$code" -eq 0 ]; then code=143; fi
# A full disk must not turn an end into an interruption if that can be avoided.
tries=0
until put exit "$code" || [ ! -d "$dir" ] || [ "$tries" -ge 60 ]; do tries=$((tries + 1)) && sleep 1; done
rm -f "$dir/pipe" "$dir/part" "$dir/full" "$dir/lost" "$dir/drained"
