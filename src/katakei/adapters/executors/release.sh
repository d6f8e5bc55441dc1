# The release: fetches one release, puts it into place below a folder and switches the link `current` to it, in the layout
# of Capistrano; or switches the link back. POSIX sh (dash, bash, busybox ash), coreutils, awk, flock and tar.
# Arguments: pairs of a name and a value, see `Release.words`. The values are never part of a shell text. Only the
# commands of the user (before_switch, restart, after_switch) are shell text, and they come whole.
#
#   $path/releases/<id>     one release. It appears by rename, complete: `.katakei` in it says what it was made of
#   $path/shared            files and folders that all releases share
#   $path/current           a link to releases/<id>, switched by rename(2)
#   $path/.katakei/lock     held (flock) by the one that works below $path
#   $path/.katakei/switches one line for each rollout that switched the link: ROLLOUT RELEASE RELEASE-BEFORE
#   $path/.katakei/repo     the git repository
#   $path/releases/.katakei-new, .katakei-old   what is being made or removed; left by a crash, it is removed
set -uf
unset CDPATH TAR_OPTIONS
say() { printf '%s\n' "$*"; }
fail() {
    say "katakei: $1"
    exit 1
}

# cause TEXT: the first line of what a tool said; or that the disk is full, which tools say in many ways.
cause() {
    free=$(df -Pk "$path" 2>/dev/null | awk 'NR == 2 { print $4 }')
    case $1 in *"No space left"* | *"quota exceeded"*) free=0 ;; esac
    if [ "${free:-9999}" -lt 64 ]; then
        printf 'its disk is full'
    else
        printf '%s\n' "$1" | awk 'NF { print substr($0, 1, 500); exit }'
    fi
}

# is_id TEXT: whether it can name a release.
is_id() { case $1 in '' | [!A-Za-z0-9]* | *..* | *[!A-Za-z0-9._@+-]*) return 1 ;; esac; }

settings() {
    id='' path='' kind='' place='' revision='' sha256='' region='' strip=0 keep=5 shared=''
    before_switch='' restart='' after_switch=''
    while [ $# -gt 1 ]; do
        case $1 in
            id) id=$2 ;; path) path=$2 ;; kind) kind=$2 ;; place) place=$2 ;; revision) revision=$2 ;;
            sha256) sha256=$2 ;; region) region=$2 ;; strip) strip=$2 ;; keep) keep=$2 ;;
            shared) shared="$shared $2" ;;
            before_switch) before_switch=$2 ;; restart) restart=$2 ;; after_switch) after_switch=$2 ;;
            *) fail "this version of the program does not know the setting $1" ;;
        esac
        shift 2
    done
    is_id "$id" || fail "the release '$id' cannot name a folder: use letters, digits and . _ @ + -"
    case $path in /*[!/]) ;; *) fail "the path '$path' is not the absolute path of a folder" ;; esac
    case $path/ in */../* | */./* | *//*) fail "the path '$path' is not the absolute path of a folder" ;; esac
    rollout=${KATAKEI_ROLLOUT:-none}
    releases=$path/releases new=$path/releases/.katakei-new own=$path/.katakei
}

tools() {
    for need in awk cp df find flock id ln mkdir mv readlink rm sleep sync tail tr "$@"; do
        command -v "$need" >/dev/null || fail "$need is missing on this machine"
    done
}

# lock: waits for the one that works below $path, five minutes at most. The lock ends with this process: commands that
# may leave processes behind run without descriptor 9.
lock() {
    said=$(mkdir -p "$releases" "$path/shared" "$own" 2>&1) || fail "$path cannot be written: $(cause "$said")"
    said=$({ true >>"$own/lock"; } 2>&1) || fail "$path cannot be written: $(cause "$said")"
    for folder in "$path" "$releases" "$own"; do
        [ -w "$folder" ] || fail "$folder cannot be written by $(id -un 2>/dev/null || id -u): give it the right to"
    done
    exec 9>>"$own/lock"
    patience=300
    until flock -n 9; do
        [ "$patience" -lt 300 ] || say "another release is being put into place in $path; waiting for it"
        [ "$patience" -gt 0 ] || fail "another release is still being put into place in $path: try again later"
        patience=$((patience - 1))
        sleep 1
    done
    rm -rf "$new" "$releases/.katakei-old" "$path/.katakei-next"
    trap 'rm -rf "$new"' EXIT
}

# where: sets $now to the release that `current` links to; '-' where there is no link.
where() {
    now=-
    if [ -L "$path/current" ]; then
        link=$(readlink "$path/current")
        now=${link##*/}
        case $link in /*) base=${link%/*} ;; */*) base=$path/${link%/*} ;; *) base=$path ;; esac
        base=$(cd "$base" 2>/dev/null && pwd -P)
        { [ "$base" = "$(cd "$releases" && pwd -P)" ] && is_id "$now"; } ||
            fail "$path/current links to $link, which is no release in $releases"
    elif [ -e "$path/current" ]; then
        fail "$path/current is not a link: move it away first"
    fi
}

# renamer: sets $rename to what can rename a link over a link to a folder. `mv` without -T would move it into the folder.
renamer() {
    rm -rf "$own/probe"
    for rename in mv python3 perl none; do
        mkdir -p "$own/probe/folder" && ln -s folder "$own/probe/to" && ln -s new "$own/probe/from"
        move "$own/probe/from" "$own/probe/to" 2>/dev/null
        moved=$(readlink "$own/probe/to")
        rm -rf "$own/probe"
        [ "$moved" != new ] || return 0
    done
    fail "mv on this machine knows no -T, and python3 and perl are missing: install coreutils"
}

move() {
    case $rename in
        mv) mv -fT "$1" "$2" ;;
        python3) python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$1" "$2" ;;
        perl) perl -e 'rename($ARGV[0], $ARGV[1]) or exit 1' "$1" "$2" ;;
        *) return 1 ;;
    esac
}

# switch ID: what reads `current` finds the release before or this one, and nothing else.
switch() {
    said=$({ ln -s "releases/$1" "$path/.katakei-next" && move "$path/.katakei-next" "$path/current"; } 2>&1) ||
        fail "$path/current could not be switched: $(cause "$said")"
}

# run WHAT FOLDER COMMAND: runs a command of the user there; it stops at the first command that fails. Sets $code.
run() {
    code=0
    [ -n "$3" ] || return 0
    say "$1"
    (cd "$2" && exec sh -e -c "$3" "$1" </dev/null 9>&-) || code=$?
}

# recorded: sets $made and $before to what this rollout switched to here, and from; '' where it switched nothing.
recorded() {
    made='' before=''
    [ -r "$own/switches" ] || return 0
    while read -r its_rollout its_release its_before rest; do
        if [ "$its_rollout" = "$rollout" ]; then made=$its_release before=$its_before && return 0; fi
    done <"$own/switches"
}

# record: writes down the release before, once for each rollout: a retry must not take the new one for the one before.
record() {
    recorded
    [ -z "$made" ] || return 0
    before=$now
    said=$({ { tail -n 500 "$own/switches" 2>/dev/null; say "$rollout $id $now"; } >"$own/switches-new" &&
        mv -f "$own/switches-new" "$own/switches"; } 2>&1) || fail "$own cannot be written: $(cause "$said")"
}

# flush: a power cut must not leave a link to a release whose files are empty.
flush() { sync -f "$releases" 2>/dev/null || sync; }

fetch() {
    rm -rf "$new"
    said=$(mkdir -m 700 "$new" 2>&1) || fail "$path cannot be written: $(cause "$said")"
    say "fetching $kind $place${revision:+ $revision}"
    case $kind in
        git) fetch_git ;;
        *)
            wanted=$sha256
            if [ "$wanted" = beside ]; then
                download "$place.sha256" "$new/sha256"
                wanted=''
                read -r wanted _ <"$new/sha256"
                [ -n "$wanted" ] || fail "$place.sha256 holds no checksum"
            fi
            download "$place" "$new/archive"
            made_of=$(sha256sum <"$new/archive") && made_of=${made_of%% *}
            [ "${wanted:-$made_of}" = "$made_of" ] ||
                fail "the checksum of $place is wrong: it is $made_of and should be $wanted"
            made_of="sha256 $made_of" ;;
    esac
}

# download FROM TO
download() {
    case $kind in
        s3)
            its_region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-${AWS_SSM_REGION_NAME:-}}}}
            said=$(aws s3 cp --only-show-errors ${its_region:+--region "$its_region"} "$1" "$2" 2>&1 9>&-) ;;
        url)
            case $1 in
                file://*) said=$(cp "${1#file://}" "$2" 2>&1) ;;
                https://*) said=$(curl -fsSL --proto =https --connect-timeout 20 -o "$2" "$1" 2>&1 9>&-) ;;
                *) said=$(curl -fsSL --proto =http,https --connect-timeout 20 -o "$2" "$1" 2>&1 9>&-) ;;
            esac ;;
        *) fail "this version of the program knows no source of the kind $kind" ;;
    esac || fail "$1 could not be fetched: $(cause "$said")"
    [ -f "$2" ] || fail "$1 could not be fetched: it is not a file"
}

# decompress: some versions of tar find out by themselves how an archive is compressed, others do not.
decompress() {
    case $(od -An -tx1 -N4 "$new/archive" | tr -d ' \n') in
        1f8b*) how=gzip ;; 425a68*) how=bzip2 ;; fd377a58) how=xz ;; 28b52ffd) how=zstd ;; *) return 0 ;;
    esac
    tools "$how"
    said=$("$how" -dc <"$new/archive" 2>&1 >"$new/plain" 9>&-) || fail "$place could not be decompressed: $(cause "$said")"
    mv "$new/plain" "$new/archive"
}

in_repo() { git --git-dir="$own/repo" "$@" 9>&-; }
commit() { commit=$(in_repo rev-parse -q --verify "$1^{commit}" 2>/dev/null); }

# A branch may move while a rollout goes from target to target, which would then differ. A tag or commit stays.
fetch_git() {
    export GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=file:https:ssh GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}"
    said=$(git init -q --bare "$own/repo" 2>&1 9>&-) || fail "git could not make $own/repo: $(cause "$said")"
    case $revision in *[!0-9a-f]*) full='' ;; ????????????????????????????????????????*) full=1 ;; *) full='' ;; esac
    if [ -z "$full" ] || ! commit "$revision"; then
        said=$(in_repo -c gc.auto=0 fetch -q --force --prune --no-tags -- "$place" \
            '+refs/heads/*:refs/katakei/heads/*' '+refs/tags/*:refs/katakei/tags/*' 2>&1) ||
            fail "$place could not be fetched: $(cause "$said")"
    fi
    if [ -n "$full" ] && ! commit "$revision"; then
        in_repo -c gc.auto=0 fetch -q --no-tags -- "$place" "$revision" 2>/dev/null
    fi
    if [ -n "$full" ]; then
        commit "$revision" || fail "$place has no commit $revision"
    elif commit "refs/katakei/tags/$revision"; then
        :
    elif commit "refs/katakei/heads/$revision"; then
        fail "$revision is a branch of $place, which may move during a rollout: name a tag or a commit"
    else
        case $revision in
            *[!0-9a-f]* | ? | ?? | ??? | ???? | ????? | ??????) commit= ;;
            *) commit "$revision" ;;
        esac
        [ -n "$commit" ] || fail "$place has no tag or commit $revision"
    fi
    said=$(in_repo archive --format=tar -o "$new/archive" "$commit" 2>&1) ||
        fail "git could not pack $commit: $(cause "$said")"
    made_of="git $commit"
}

# harmless: lists the archive, and fails before anything is unpacked if a member could leave the folder. The first list
# gives the names: a `..` or a `/` at the beginning cannot hide there, even where tar prints a line end inside of a name.
# The second gives kinds and links. What cannot be told apart for certain is refused.
harmless() {
    said=$({ LC_ALL=C tar -tf "$new/archive" >"$new/names" && LC_ALL=C tar --numeric-owner -tvf "$new/archive" >"$new/kinds"; } 2>&1 9>&-) ||
        fail "$place is not an archive that tar can read: $(cause "$said")"
    # Some versions of tar take the beginning off while they list.
    case $said in *"emoving leading"*) fail "$place was not unpacked: $(cause "$said")" ;; esac
    said=$(LC_ALL=C awk -v strip="$strip" "$members" "$new/names" "$new/kinds") ||
        fail "$place was not unpacked: ${said:-its members could not be checked}"
}

members='
function refuse(why) { print why; failed = 1; exit 1 }
function clean(name) {
    gsub(/\/+/, "/", name)
    while (sub(/^\.\//, "", name) || gsub(/\/\.\//, "/", name)) { }
    sub(/\/\.?$/, "", name)
    return name
}
function climbs(text) { return text ~ /(^|\/)\.\.(\/|$)/ }
function depth(name) { return gsub(/\//, "/", name) }
function check_link(name, target,    part, count, n, ups, down) {
    if (target == "" || target ~ /^\//) refuse("the link " name " leads to " target ", out of its folder")
    count = split(target, part, "/")
    ups = down = 0
    for (n = 1; n <= count; n++) {
        if (part[n] == "" || part[n] == ".") continue
        if (part[n] != "..") down = 1
        else if (down) refuse("the link " name " leads to " target ", which may be out of its folder")
        else ups++
    }
    if (ups > depth(name) - strip) refuse("the link " name " leads to " target ", out of its folder")
}
{ plain = $0; gsub(/\\[23][0-7][0-7]/, "", plain) }
plain ~ /[\\\001-\037\177]/ { refuse("the name of a member has a character that is not allowed: " $0) }
FNR == NR {
    if ($0 ~ /^\//) refuse("the member " $0 " has an absolute path")
    if (climbs($0)) refuse("the member " $0 " would be outside of its folder")
    names[FNR] = clean($0)
    total = FNR
    next
}
{
    kind = substr($0, 1, 1)
    if (kind !~ /[-dlh]/) refuse("it has a member that is neither file, folder nor link: " $0)
    if ($4 !~ /^[0-9]+-[0-9][0-9]-[0-9][0-9]$/ || $5 !~ /^[0-9:]+$/) refuse("tar on this machine lists members in another form")
    rest = $0
    sub(/^[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ /, "", rest)
    mark = kind == "h" && index(rest, " link to ") ? " link to " : " -> "
    at = index(rest, mark)
    if (kind ~ /[lh]/ && !at) refuse("the link " rest " cannot be read")
    if (!at) { if (climbs(rest)) refuse("the member " rest " would be outside of its folder"); next }
    name = clean(substr(rest, 1, at - 1))
    target = substr(rest, at + length(mark))
    if (index(target, mark)) refuse("the link " rest " cannot be read")
    if (climbs(name)) refuse("the member " name " would be outside of its folder")
    if (kind == "l") check_link(name, target)
    else if (target ~ /^\// || climbs(target)) refuse("the link " name " leads to " target ", out of its folder")
    links[name] = 1
}
END {
    if (failed) exit 1
    if (!total) refuse("it is empty")
    if (total != NR - total) refuse("the name of a member has a line end")
    for (n = 1; n <= total; n++) {
        count = split(names[n], part, "/")
        above = ""
        for (m = 1; m < count; m++) {
            above = above (m > 1 ? "/" : "") part[m]
            if (above in links) refuse("the member " names[n] " goes through the link " above)
        }
    }
}'

# unpack: makes the whole release aside. Nothing of it is in $releases before it is complete.
unpack() {
    tree=$new/tree
    decompress
    harmless
    said=$({ mkdir "$tree" && tar -xf "$new/archive" -C "$tree" -o --no-same-permissions &&
        find "$tree" -type f '(' -perm -4000 -o -perm -2000 ')' -exec chmod ug-s '{}' ';'; } 2>&1 9>&-) ||
        fail "$place could not be unpacked: $(cause "$said")"
    if [ "$strip" = 1 ]; then
        only=$(find "$tree" -mindepth 1 -maxdepth 1)
        [ -d "$only" ] && [ ! -L "$only" ] || fail "$place does not hold one folder, which strip needs"
        tree=$only
    fi
    [ -n "$(find "$tree" -mindepth 1 -maxdepth 1 | head -n 1)" ] || fail "$place was not unpacked: it is empty"
    link_shared
    said=$({ rm -rf "$tree/.katakei" && say "$made_of" >"$tree/.katakei" && chmod 755 "$tree"; } 2>&1) ||
        fail "the release could not be completed: $(cause "$said")"
    flush
    said=$(mv "$tree" "$releases/$id" 2>&1) || fail "$releases/$id could not be made: $(cause "$said")"
}

# link_shared: what is shared comes from the release the first time. A name with `/` at its end is made where it is in
# neither.
link_shared() {
    for entry in $shared; do
        name=${entry%/} from=$path/shared/${entry%/} to=$tree/${entry%/} part=$path/shared/.katakei-new
        if [ ! -e "$from" ] && [ ! -L "$from" ]; then
            if [ -e "$to" ]; then
                said=$({ rm -rf "$part" && mkdir -p "${from%/*}" && cp -pR "$to" "$part" && mv "$part" "$from"; } 2>&1)
            elif [ "$entry" != "$name" ]; then
                said=$(mkdir -p "$from" 2>&1)
            else
                fail "$from is missing: put it there first"
            fi || fail "$from could not be made: $(cause "$said")"
        fi
        said=$({ rm -rf "$to" && mkdir -p "${to%/*}" && ln -s "$from" "$to"; } 2>&1) ||
            fail "$name could not be linked to $from: $(cause "$said")"
    done
}

# kept: whether a release stays: the current one, the one before, and the last $keep that were switched to.
kept() {
    case $1 in "$now" | "$before" | "$id") return 0 ;; esac
    awk -v id="$1" -v keep="$keep" '{ order[NR] = $2 } END {
        for (n = NR; n && count < keep; n--) if (!(order[n] in seen)) { seen[order[n]] = 1; count++ }
        exit !(id in seen)
    }' "$own/switches"
}

# prune: removes releases that this program made. One of another tool is never removed. Fails no release.
prune() {
    for marker in $(set +f && cd "$releases" && for each in */.katakei; do say "$each"; done); do
        old=${marker%/.katakei}
        if is_id "$old" && [ -f "$releases/$marker" ] && ! kept "$old"; then
            { mv "$releases/$old" "$releases/.katakei-old" && rm -rf "$releases/.katakei-old"; } ||
                { say "the old release $old could not be removed whole" && return 0; }
            say "removed the old release $old"
        fi
    done
}

update() {
    case $kind in
        git) tools git tar chmod head od ;; s3) tools aws sha256sum tar chmod head od ;; *) tools sha256sum tar chmod head od ;;
    esac
    case $kind.$place in url.http*) tools curl ;; esac
    lock
    renamer
    where
    made_of="sha256 $sha256"
    if [ ! -d "$releases/$id" ]; then
        fetch
        unpack
    elif [ ! -f "$releases/$id/.katakei" ]; then
        fail "$releases/$id was not made by this program: give the release another name"
    else
        read -r holds <"$releases/$id/.katakei"
        [ "$holds" = "$made_of" ] || fetch
        [ "$holds" = "$made_of" ] ||
            fail "$releases/$id holds something else ($holds, not $made_of): give the release another name"
        say "the release $id is already in $releases"
    fi
    rm -rf "$new"
    run before_switch "$releases/$id" "$before_switch"
    [ "$code" = 0 ] || fail "before_switch failed with exit code $code: current was not switched"
    record
    flush
    switch "$id"
    say "current is $id"
    run restart "$path/current" "$restart"
    [ "$code" = 0 ] || fail "restart failed with exit code $code: current is $id"
    run after_switch "$path/current" "$after_switch"
    [ "$code" = 0 ] || fail "after_switch failed with exit code $code: current is $id"
    now=$id
    prune
}

# back: takes the link back to the release before, if this rollout switched it and nobody did after that.
back() {
    tools
    [ -d "$own" ] || { say "this rollout switched nothing in $path" && exit 0; }
    lock
    renamer
    where
    recorded
    if [ -z "$made" ]; then
        say "this rollout switched nothing in $path: current is $now"
        exit 0
    fi
    if [ "$now" != "$before" ]; then
        [ "$now" = "$made" ] || fail "current is $now, which this rollout did not switch to: switch it by hand"
        [ "$before" != - ] || fail "there was no release before $made: current is $now"
        [ -d "$releases/$before" ] || fail "the release before, $before, is not in $releases any more: current is $now"
        switch "$before"
    fi
    say "current is $before"
    run restart "$path/current" "$restart"
    [ "$code" = 0 ] || fail "restart failed with exit code $code: current is $before"
}

settings "$@"
if [ "$kind" = back ]; then back; else update; fi
