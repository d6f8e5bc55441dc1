# The mark: a folder on the target that says whether the work under one key was begun, runs, or how it ended.
# POSIX sh (dash, bash, busybox ash), coreutils, setsid and /proc. It needs no root and uses no `eval`.
#
#   $root/<rollout>/<attempt>-<intent>/   made by mkdir, which only one process can do: the claim
#       machine: the id of the machine that made it. A folder can be shared by machines, or be copied in an image.
#       boot_id, pid and work (of the keeper and of the work, each with its start in ticks since that boot),
#       out (the last 64 KiB), size (bytes of the whole output), exit, forbidden: each made by rename
#       cancelled: the work was told to end
#       go: made by mkdir, by the keeper before it runs anything, or by a reader who judges that it never will
#   $root/.machines/<machine>   what this machine knows of this folder. The first line is a random id, its identity; the
#       others name the marks whose work this machine began. It is one file, so that both are lost together or not at all.
#
# Input is base64 or one word of a narrow alphabet, and is used as a value only.
# The keeper (`keep.sh`) makes the claim itself, so that no claim ever exists without a keeper.
set -uf
root=${KATAKEI_STATE:-/var/lib/katakei}
tail=16384
part=''  # which part of the recorded output is reported, in units of $tail from its beginning; '' for the end
patience=20  # quarters of a second between SIGTERM and SIGKILL

now() { date +%s; }
encode() { base64 | tr -d '\n'; }
nap() { sleep "$1" 2>/dev/null || sleep 1; }

# identify: sets $machine to an id that no other machine has, and $here to that id and the one of the state folder.
# The agent gives the instance id. Where it does not, the firmware of an instance may know it (board_asset_tag).
identify() {
    machine=${KATAKEI_MACHINE_ID:-$self} tag=''
    { read -r tag </sys/class/dmi/id/board_asset_tag; } 2>/dev/null
    case $machine$tag in i-*) machine=${machine:-$tag} ;; esac
    for file in /sys/class/dmi/id/product_uuid /etc/machine-id; do
        [ -n "$machine" ] || { read -r machine <"$file"; } 2>/dev/null
    done
    machine=$(printf '%s' "$machine" | tr -cd 'A-Za-z0-9-')
    machine=${machine:-none} known=$root/.machines/${machine:-none}
    locate
}

# locate: sets $folder and $here. Work may remove the whole state folder at any moment, so that whatever is reported as
# never begun is reported with what this finds afterwards.
locate() {
    folder=''
    { read -r folder <"$known"; } 2>/dev/null || make_folder_id 2>/dev/null
    case $folder in *[!A-Za-z0-9-]*) folder='' ;; esac
    here=$machine@${folder:--}
}

# make_folder_id: the file appears as a whole or not at all, and of two processes one makes it.
make_folder_id() {
    draft=$root/.machines/.$machine-$$
    mkdir -p "$root/.machines" && cat /proc/sys/kernel/random/uuid >"$draft" || return
    ln "$draft" "$known"
    rm -f "$draft"
    read -r folder <"$known"
}

# was_begun NAME: this machine began work under this mark, whether or not the mark is still there.
was_begun() {
    [ -r "$known" ] || return 1
    while read -r line; do
        if [ "$line" = "$1" ]; then return 0; fi
    done <"$known"
    return 1
}

# foreign DIR: the mark is of another machine. Then nothing in it tells what happened on this one.
foreign() {
    { read -r whose <"$1/machine"; } 2>/dev/null && [ "$whose" != "$machine" ] || return 1
    state=unknown
    why="the mark here is of another machine ($whose): the two share $root, or one is an image of the other"
}

boot() {
    if [ -n "${KATAKEI_BOOT_ID:-}" ]; then printf '%s\n' "$KATAKEI_BOOT_ID"; else cat /proc/sys/kernel/random/boot_id; fi
}

# began PID: sets $began to the start time of the process (proc(5), field 22). Fails for a dead one and for a zombie.
began() {
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    set -- ${stat##*) }
    began=${20}
    [ "$1" != Z ] && [ "$1" != X ]
}

alive() {
    { read -r boot_then <"$1/boot_id" && read -r pid start <"$1/pid"; } 2>/dev/null || return 1
    why="the machine was started anew while it ran"
    [ "$boot_then" = "$(boot)" ] || return 1
    why="the process that kept it is dead"
    began "$pid" && [ "$began" = "$start" ] && return 0
    at_work "$1"  # the work goes on without its keeper; nobody will record how it ends
}

# at_work DIR: sets $leader to the process that leads the work's session. Fails when that process is dead.
at_work() {
    { read -r leader start <"$1/work"; } 2>/dev/null && began "$leader" && [ "$began" = "$start" ]
}

# settled DIR: reads a result that no longer changes. A recorded exit code is final, whatever became of the keeper.
settled() {
    if { read -r code <"$1/exit"; } 2>/dev/null; then
        state=ended why=''
        if [ -e "$1/cancelled" ] && [ "$code" != 0 ]; then why="it was told to end"; fi
        return 0
    fi
    if { read -r why <"$1/forbidden"; } 2>/dev/null; then state=forbidden; return 0; fi
    return 1
}

# judge DIR: sets $state (absent running ended interrupted forbidden unknown), $code and $why.
judge() {
    state=absent code='' why=''
    if [ ! -d "$1" ]; then
        removed "$1"
        return 0
    fi
    if ! { [ -r "$1" ] && [ -x "$1" ]; }; then
        state=unknown why="this user may not read the mark"
        return 0
    fi
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        foreign "$1" && return 0
        settled "$1" && return 0
        [ -e "$1/pid" ] || [ -d "$1/go" ] && break
        nap 0.2
    done
    foreign "$1" && return 0
    # Claimed, and no pid for two seconds. Making `go` ensures for ever that this claim never begins.
    if [ ! -e "$1/pid" ] && { mkdir "$1/go" || [ -d "$1/go" ]; } 2>/dev/null && [ ! -e "$1/pid" ]; then
        state=interrupted why="it was claimed, but ended before it began"
    elif alive "$1"; then
        state=running why=''
    elif ! settled "$1"; then  # asked again: it may have ended between the two readings
        state=interrupted
    fi
    # Work may be removing its own mark right now. What is left of the mark tells nothing about the work.
    if [ "$state" = interrupted ] && ! { [ -e "$1/pid" ] && [ -e "$1/boot_id" ]; }; then removed "$1"; fi
}

# removed DIR: sets $state and $why where this machine began work under a mark that is gone, or of which parts are gone.
removed() {
    was_begun "${1#"$root"/}" || return 0
    state=unknown why="its work began here, but its mark was removed from $root"
}

# report NAME DIR: prints one line, with the output so far while the work runs. The reason and the output are base64,
# because they may hold any character.
report() {
    locate
    out='' size=''
    { read -r size <"$2/size"; } 2>/dev/null
    if [ "$state" = running ]; then
        out=$(cat "$2/full" "$2/part" 2>/dev/null | tail -c "$tail" | encode)
    elif [ -n "$part" ]; then
        out=$(dd if="$2/out" bs="$tail" skip="$part" count=1 2>/dev/null | encode)
    elif [ -s "$2/out" ]; then
        out=$(tail -c "$tail" "$2/out" | encode)
    fi
    why=$(printf '%s' "$why" | encode)
    printf 'katakei-mark %s %s %s %s %s %s %s %s %s\n' \
        "$1" "$state" "${code:--}" "$(now)" "${self:--}" "${why:--}" "${out:--}" "$here" "${size:--}"
}

# The exit code is for people only. The work's own code is never passed on: 194 would make the agent reboot the machine.
finish() {
    report "$name" "$root/$name"
    echo katakei-end
    case $state.$code in
        ended.0 | running.*) exit 0 ;;
        refused.* | forbidden.*) exit 75 ;;
        *) exit 1 ;;
    esac
}

refuse() {
    state=refused code='' why=$1
    finish
}

# bar DIR WHY: claims the mark without any work. Succeeds when this call made the claim.
bar() {
    was_begun "${1#"$root"/}" && return 1
    mkdir -m 700 "$1" 2>/dev/null || return 1
    printf '%s\n' "$machine" >"$1/machine"
    printf '%s\n' "$2" >"$1/.forbidden" && mv "$1/.forbidden" "$1/forbidden"
}

# barred WHY: the same. If even that fails, nothing is begun here now.
barred() { bar "$dir" "$1" || [ -d "$dir" ] || was_begun "$name" || refuse "$1"; }

# row: reads the lines from descriptor 4 (id name not_after place NAME:base64 NAME@base64 ...) and keeps this machine's
# line. The place is what `identify` must find here; `-` where nothing was recorded.
row() {
    lines=0 found=''
    while read -r id mark not_after place pairs; do
        lines=$((lines + 1))
        [ "$id" = "${self:-$id}" ] && found=$lines its_name=$mark its_not_after=$not_after its_place=$place its_pairs=$pairs
    done <&4
    # A machine that does not know its own name may take a line only when there is just one.
    [ -n "$found" ] && { [ -n "$self" ] || [ "$lines" = 1 ]; }
}

# fetch: replaces each NAME@parameter in the pairs by NAME:value, read with the role of this machine. The value is only
# in a variable of this shell and in the environment of the work. Fails with $why.
fetch() {
    pairs=$its_pairs its_pairs=''
    for pair in $pairs; do
        case $pair in *@*)
            parameter=$(printf '%s' "${pair#*@}" | base64 -d)
            value=$(parameter 2>/dev/null) || {
                why="the parameter $parameter could not be fetched: $(parameter 2>&1 >/dev/null | tr '\n' ' ')"
                return 1
            }
            pair=${pair%%@*}:$(printf '%s' "$value" | encode)
        esac
        its_pairs="$its_pairs $pair"
    done
}

# The agent gives its scripts the region as AWS_SSM_REGION_NAME; the `aws` of an instance often has none configured.
parameter() {
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-${AWS_SSM_REGION_NAME:-}}}
    aws ssm get-parameter --with-decryption --name "$parameter" --query Parameter.Value --output text \
        --cli-connect-timeout 5 --cli-read-timeout 10 ${region:+--region "$region"} </dev/null 3<&- 4<&-
}

# launch ARG...: starts the keeper in a session of its own, with the values as environment and without our pipes.
launch() {
    (
        for pair in $its_pairs; do
            value=$(printf '%s' "${pair#*:}" | base64 -d && printf x) || exit 1
            export "${pair%%:*}=${value%x}"
        done
        exec setsid sh -c "$keeper" katakei-keep "$dir" "$shell" "$run" "$its_not_after" "$machine" "$folder" "$@"
    ) 3<&- 4<&- </dev/null >/dev/null 2>&1 &
    # Quick work may have removed its mark before the first look at it.
    until [ -d "$dir" ] || was_begun "$name" || ! began "$!"; do nap 0.02; done
}

# start SECONDS SHELL RUN WITNESS ARG...: begins the work of this machine's line unless it was begun, then follows it for
# SECONDS. SHELL is `sh` or `bash`, perhaps with `-e`. The rest are base64; the ARGs are RUN's own "$@". The witness is
# the last probe before the start ('' for none): when it fails, the work is refused.
start() {
    state=refused code='' name=-
    identify
    row || refuse "this command holds no line for ${self:-a machine that does not know its own name}"
    name=$its_name dir=$root/$its_name
    if [ ! -d "$dir" ]; then
        judge "$dir"
        if [ "$state" = absent ] && [ "$its_place" != - ] && [ "$its_place" != "$here" ]; then
            state=unknown why="$root is not the state folder that was read before the target was taken out"
        fi
        [ "$state" = absent ] || finish
        begin "$@"
    fi
    watch "$1"
    finish
}

# begin SECONDS SHELL RUN WITNESS ARG...: a refusal bars the key wherever a mark can be made. Another start under the same key
# may be on its way, and must not begin work that was reported as refused.
begin() {
    shell=$2
    for need in base64 date dd mkfifo setsid tail tr "${shell%% *}"; do
        command -v "$need" >/dev/null || refuse "$need is missing on this machine"
    done
    keeper=$(cat <&3) witness=$4
    run=$(printf '%s' "$3" | base64 -d) || refuse "the command could not be decoded"
    shift 4
    for word in "$@"; do  # the x keeps trailing line ends, which a substitution would remove
        value=$(printf '%s' "$word" | base64 -d && printf x) || refuse "the command could not be decoded"
        shift
        set -- "$@" "${value%x}"
    done
    problem=$(mkdir -p "${dir%/*}" 2>&1) || refuse "the state folder cannot be written: $problem"
    if [ "$(now)" -gt "$its_not_after" ]; then
        barred "the start came too late"
    elif ! fetch; then
        barred "$why"
    elif ! witnessed; then
        # Without a verdict nothing is refused: the start is sent again once there is one.
        if [ "$verdict" = 76 ]; then state=absent why=$said; finish; fi
        barred "refused by the witness: $said"
    else
        [ -d "$dir" ] || launch "$@"
        [ -d "$dir" ] || barred "the start came too late, or $dir could not be made"
    fi
}

# witnessed: runs the last probe, if there is one. Sets $verdict to its exit code and $said to what it said.
witnessed() {
    verdict=0 said=''
    [ -n "$witness" ] || return 0
    said=$(sh -c "$(printf '%s' "$witness" | base64 -d)" 2>&1 3<&- 4<&- </dev/null) || verdict=$?
    said=$(printf '%s' "$said" | tr '\n' ' ')
    [ "$verdict" = 0 ]
}

watch() {
    begun=$(now) pause=0.02
    while judge "$dir" && [ "$state" = running ] && [ "$(now)" -lt $((begun + $1)) ]; do
        [ "$(now)" -lt $((begun + 5)) ] || pause=1
        nap "$pause"
    done
}

# look NAME...: changes nothing, except a claim whose keeper died before it began (see judge).
look() {
    identify
    for name in "$@"; do
        judge "$root/$name"
        report "$name" "$root/$name"
    done
    echo katakei-end
}

# forbid NAME...: work that has not been claimed by now never begins.
forbid() {
    identify
    for name in "$@"; do
        dir=$root/$name
        mkdir -p "${dir%/*}" 2>/dev/null
        bar "$dir" "forbidden before it was begun"
        judge "$dir"
        report "$name" "$dir"
    done
    echo katakei-end
}

# session LEADER SIGNAL: signals each process of this session that is older than this shell, and no unrelated process.
# A process that has left the session is not found.
session() {
    began $$
    for process in $(ls /proc 2>/dev/null); do
        case $process in *[!0-9]*) continue ;; esac
        { read -r stat <"/proc/$process/stat"; } 2>/dev/null || continue
        in_session "$1" ${stat##*) } && kill -s "$2" "$process" 2>/dev/null
    done
}

in_session() { [ "$5" = "$1" ] && [ "${21}" -le "$began" ]; }

# running NAME...: succeeds while work runs under one of these.
running() {
    for name in "$@"; do
        judge "$root/$name"
        if [ "$state" = running ]; then return 0; fi
    done
    return 1
}

# cancel NAME...: ends what runs, with SIGTERM first, then reports all of them.
cancel() {
    identify
    told=''
    for name in "$@"; do
        judge "$root/$name"
        if [ "$state" = running ] && at_work "$root/$name"; then
            { true >"$root/$name/cancelled"; } 2>/dev/null
            told="$told $leader"
            session "$leader" TERM
        fi
    done
    while [ -n "$told" ] && [ "$patience" -gt 0 ] && running "$@"; do
        patience=$((patience - 1))
        nap 0.25
    done
    for each in $told; do session "$each" KILL; done
    if [ -n "$told" ] && running "$@"; then nap 0.5; fi
    look "$@"
}
