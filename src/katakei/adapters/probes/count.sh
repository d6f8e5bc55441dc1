# Counts the connections that may hold a request on this machine's ports, and changes nothing. POSIX sh (dash, bash,
# busybox ash), awk, and `ss` or /proc/net. It needs no root and writes no file. It counts about once a second and
# prints once, at its end:
#
#   katakei-count MODE SOURCE DATE BEGAN     ss | proc | none; whole seconds since 1970; moments are in 1/100 s of uptime,
#   at MOMENT                                which no change of a clock moves: when the last count began
#   sample quiet|busy ALL OPEN YOUNGEST OLDEST   connections, those that do not satisfy `until`, their silence in ms
#   group STATE R S SENT ORDER CLASS N YOUNGEST OLDEST    connections equal in all that a verdict needs (see `judge`)
#   seen PORT        this port has had data from another address since the program began
#   proxied NAME     this program forwards the ports: what is behind it is not visible here
#   arrivals N       data from another address came at least N times after `since`
#   katakei-end
#
# Arguments (NAME=VALUE, numbers and addresses only):
#   mode=quiet       until every connection satisfies `until`      mode=once      the same, answered in words and with exit 75
#   mode=baseline    until every port was seen to have traffic     mode=arrivals  counting to the end
#   until=proof|answered  idle=MS  quiet=MS  ports=80,81  addresses=10.0.0.5  seconds=30  since=MOMENT
# An address is dotted, or 32 hexadecimal digits; none given means any.
set -uf
LC_ALL=C
export LC_ALL
mode=quiet until=proof idle=65000 quiet=5000 ports='' addresses='' seconds=30 since=''
for pair in "$@"; do
    case $pair in
        mode=*) mode=${pair#*=} ;;
        until=*) until=${pair#*=} ;;
        idle=*) idle=${pair#*=} ;;
        quiet=*) quiet=${pair#*=} ;;
        ports=*) ports=${pair#*=} ;;
        addresses=*) addresses=${pair#*=} ;;
        seconds=*) seconds=${pair#*=} ;;
        since=*) since=${pair#*=} ;;
    esac
done

# tick: sets $tick to the uptime. There are always two decimals, which may begin with a zero (avoid octal).
tick() {
    read -r up _ </proc/uptime || exit 70
    tick=$((${up%.*} * 100 + 1${up#*.} - 100))
}

filter=''
for port in $(printf '%s' "$ports" | tr , ' '); do filter="${filter:+$filter or }sport = :$port"; done
# A connection that has just ended holds no request. But it shows where connections of others end, which a baseline needs,
# and that there was one, which matters where each request has its own connection, gone before the next count.
past='exclude time-wait'
case $mode in baseline | arrivals) past='' ;; esac

by_ss() { ss -tinoH state connected exclude syn-sent $past "( $filter )" 2>/dev/null || echo failed; }

# by_proc: prints the two tables in the format of ss, without ages. A machine without IPv6 has no tcp6; a table that
# exists and cannot be read hides connections.
by_proc() {
    set -- /proc/net/tcp
    [ -e /proc/net/tcp6 ] && set -- "$@" /proc/net/tcp6
    { cat "$@" 2>/dev/null || echo failed; } | awk -v ports=",$ports," -v past="$past" '
        function number(hex, i, n) {
            for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
            return n + 0
        }
        # Each word of four bytes is in the byte order of the machine: little-endian on every supported one.
        function address(hex, i, j, out, dotted) {
            for (i = 0; i < length(hex); i += 8)
                for (j = 6; j >= 0; j -= 2) {
                    out = out tolower(substr(hex, i + j + 1, 2))
                    dotted = dotted (dotted == "" ? "" : ".") number(substr(hex, i + j + 1, 2))
                }
            if (length(hex) == 8) return dotted
            if (out !~ /^00000000000000000000ffff/) return out
            split(dotted, byte, ".")
            return byte[13] "." byte[14] "." byte[15] "." byte[16]
        }
        BEGIN { split("ESTAB SYN-SENT SYN-RECV FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT UNCONN CLOSE-WAIT LAST-ACK LISTEN CLOSING SYN-RECV", name, " ") }
        $1 == "failed" { print }
        $1 !~ /^[0-9]+:$/ { next }
        {
            state = name[number($4)]
            split($2, here, ":"); split($3, there, ":"); split($5, queue, ":")
            port = number(here[2])
            if (!index(ports, "," port ",") || state ~ /^(SYN-SENT|UNCONN|LISTEN|)$/) next
            if (state == "TIME-WAIT" && past != "") next
            print state, number(queue[2]), number(queue[1]), address(here[1]) ":" port, address(there[1]) ":" number(there[2])
        }'
}

# judge SOURCE WINDOW: reads one count and prints its `sample`, `group`, `seen` and `new` lines, or `failed`.
# A missing age is 0 ms. ORDER is what came last: `sent`, `received`, or `tie` (the same tick of the kernel's clock).
judge() {
    awk -v source="$1" -v window="$2" -v until="$until" -v idle="$idle" -v quiet="$quiet" -v addresses=",$addresses," '
        function plain(a, part, n, i, k, out, filled) {
            sub(/%.*/, "", a); gsub(/[][]/, "", a)
            if (a ~ /\.[0-9]+$/) { sub(/^.*:/, "", a); return a }
            if (a !~ /:/) return a
            n = split(a, part, ":")
            for (i = 1; i <= n; i++) if (part[i] != "") k++
            for (i = 1; i <= n; i++)
                if (part[i] != "") out = out substr("0000", 1 + length(part[i])) part[i]
                else if (!filled++) for (; k < 8; k++) out = out "0000"
            return out
        }
        function host(a) { sub(/:[^:]*$/, "", a); return plain(a) }
        function port(a) { sub(/^.*:/, "", a); return a }
        function ended(silence, order, class, ok, key) {
            if (state == "") return
            mine = host(here)
            if (addresses != ",," && !index(addresses, "," mine ",")) return
            if (mine != host(there)) {
                if (source == "ss" ? received > 0 || state == "TIME-WAIT" : state != "SYN-RECV") seen[port(here)] = 1
                if (received > 0 && rcv + 0 < window) fresh++
                # The remaining part of its minute, in whole seconds, shows in which second it ended.
                if (left != "" && left >= 60 - int(window / 1000)) gone++
            }
            if (state == "TIME-WAIT") return
            silence = snd + 0 < rcv + 0 ? snd : rcv
            order = snd + 0 < rcv + 0 ? "sent" : snd + 0 > rcv + 0 ? "received" : "tie"
            class = silence + 0 > idle ? "proved" : silence + 0 >= quiet ? "still" : "young"
            ok = class == "proved" || (until == "answered" && class == "still" && sent && order == "sent" && !rq && !sq)
            all++
            if (!ok) {
                if (!open || silence + 0 < youngest + 0) youngest = silence
                if (!open++ || silence + 0 > oldest + 0) oldest = silence
            }
            key = state " " (rq > 0) " " (sq > 0) " " (sent > 0) " " order " " class
            # So many kinds never occur. If they did, one worst kind, in which nothing is answered, keeps the output short.
            if (!(key in n) && ++kinds > 200) key = "OTHER 1 1 0 tie young"
            if (!(key in n) || silence + 0 < low[key] + 0) low[key] = silence
            if (!(key in n) || silence + 0 > high[key] + 0) high[key] = silence
            n[key]++
        }
        $1 == "failed" { failed = 1 }
        /^[^ \t]/ {
            ended()
            i = $1 ~ /^[0-9]+$/ ? 0 : 1
            state = i ? $1 : "ESTAB"
            rq = $(i + 1) + 0; sq = $(i + 2) + 0; here = $(i + 3); there = $(i + 4)
            snd = rcv = "0"; sent = received = 0; left = ""
            if ($(i + 5) ~ /^timer:\(timewait,/) {
                left = substr($(i + 5), 17)
                left = left ~ /^1min/ ? 60 : left + 0
            }
            if (NF <= i + 4) next
        }
        {
            for (f = 1; f <= NF; f++) {
                if ($f ~ /^lastsnd:/) snd = substr($f, 9)
                else if ($f ~ /^lastrcv:/) rcv = substr($f, 9)
                else if ($f ~ /^bytes_sent:/) sent = substr($f, 12) + 0
                else if ($f ~ /^bytes_received:/) received = substr($f, 16) + 0
            }
        }
        END {
            if (failed) { print "failed"; exit }
            ended()
            print "sample", open ? "busy" : "quiet", all + 0, open + 0, youngest + 0 ? youngest : 0, oldest + 0 ? oldest : 0
            for (key in n) print "group", key, n[key], low[key], high[key]
            for (p in seen) print "seen", p
            print "new", fresh + 0, gone + 0
        }'
}

# look WINDOW: sets $source and $sample. Where ss fails, the kernel's own tables may still be readable.
look() {
    source=none sample=failed
    if command -v ss >/dev/null; then source=ss sample=$(by_ss | judge ss "$1"); fi
    if [ "$sample" = failed ]; then source=proc sample=$(by_proc | judge proc "$1"); fi
    case $sample in "sample "*) ;; *) source=none sample='sample busy 0 0 0 0' ;; esac
}

# learn: removes the `seen` and `new` lines from the sample and adds them up.
learn() {
    groups=''
    while read -r word rest; do
        case $word in
            new) alive=$((alive + ${rest% *})) ended=$((ended + ${rest#* })) ;;
            seen) case "$seen " in *" $rest "*) ;; *) seen="$seen $rest" ;; esac ;;
            *) groups="$groups$word $rest
" ;;
        esac
    done <<LINES
$sample
LINES
}

answered() {
    [ "$source" = none ] && return 1
    case $mode in
        baseline) for port in $(printf '%s' "$ports" | tr , ' '); do case "$seen " in *" $port "*) ;; *) return 1 ;; esac; done ;;
        arrivals) return 1 ;;
        *) case $groups in "sample quiet "*) ;; *) return 1 ;; esac ;;
    esac
}

tick
began=$tick seen='' alive=0 ended=0
# A moment before the last boot of the machine is not in its uptime.
[ -n "$since" ] && [ "$since" -le "$began" ] || since=$began
while :; do
    tick
    at=$tick
    look $(((at - since) * 10))
    since=$at
    learn
    tick
    answered && break
    [ $((tick - began + 100)) -gt $((seconds * 100)) ] && break
    sleep 1
done

if [ "$mode" = once ]; then
    answered && exit 0
    [ "$source" = none ] && echo "connections cannot be seen on this machine" && exit 75
    set -- $groups
    echo "$4 of $3 connections to port $ports may hold a request, the youngest silent for $(($5 / 1000)) s"
    exit 75
fi
echo "katakei-count $mode $source $(date +%s) $began"
echo "at $at"
printf '%s' "$groups"
for port in $seen; do echo "seen $port"; done
# Only root sees the names. Docker forwards a published port by a rule, past every socket here, and listens as well.
# It may listen at another address of the machine only. An IPv6 address counts as one of the target's.
if [ "$mode" = baseline ] && ss -tlnpH "( $filter )" 2>/dev/null | awk -v addresses=",$addresses," '
    /docker-proxy/ {
        at = $4
        sub(/:[^:]*$/, "", at); sub(/%.*/, "", at); gsub(/[][]/, "", at); sub(/^::ffff:/, "", at)
        if (addresses == ",," || at ~ /^(\*|0\.0\.0\.0)$|:/ || index(addresses, "," at ",")) found = 1
    }
    END { exit !found }'; then echo "proxied docker-proxy"; fi
# A connection may be counted in both: first as alive, then as ended.
echo "arrivals $((alive > ended ? alive : ended))"
echo katakei-end
