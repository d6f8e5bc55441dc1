# Reads a number from the user's own software: how many requests are in flight. POSIX sh, awk and base64; a URL needs
# curl or wget. It reads about once a second and prints once, at its end:
#
#   katakei-counter BEGAN      moments are in 1/100 s of uptime, which no change of a clock moves
#   said MOMENT NUMBER         the moment right before the reading; `-` for an answer without a number
#   heard TEXT                 base64, the beginning of the last answer without a number
#   katakei-end
#
# Arguments: command=BASE64 or url=BASE64   field=BASE64 (a name in JSON or in `name: number` lines)   quiet=MS
#   mode=quiet until it was 0 for `quiet`   mode=once the same, answered in words and with exit 75
#   seconds=20, and longer while the number is 0, so that no quiet period is cut in two
set -uf
LC_ALL=C
export LC_ALL
mode=quiet quiet=5000 seconds=20 command='' url='' field=''
plain() { printf '%s' "$1" | base64 -d; }
for pair in "$@"; do
    case $pair in
        mode=*) mode=${pair#*=} ;;
        quiet=*) quiet=${pair#*=} ;;
        seconds=*) seconds=${pair#*=} ;;
        command=*) command=$(plain "${pair#*=}") ;;
        url=*) url=$(plain "${pair#*=}") ;;
        field=*) field=$(plain "${pair#*=}") ;;
    esac
done

tick() {
    read -r up _ </proc/uptime || exit 70
    tick=$((${up%.*} * 100 + 1${up#*.} - 100))
}

# ask: reads the user's counter. Where there is a `timeout` command, a hanging one is stopped after five seconds.
ask() {
    if [ -n "$command" ]; then
        if command -v timeout >/dev/null; then timeout 5 sh -c "$command"; else sh -c "$command"; fi
    elif command -v curl >/dev/null; then
        curl -fsS --max-time 5 -- "$url"
    else
        wget -q -T 5 -O - "$url"
    fi </dev/null 2>&1
}

# number: prints the number in flight. nginx and php-fpm also count the request that asks; it is subtracted, even where
# the field of php-fpm is named.
number() {
    FIELD=$field awk '
        function after(text, name, at) {
            at = index(text, name)
            if (!at) return ""
            text = substr(text, at + length(name))
            if (!match(text, /^"?[ \t]*:[ \t]*"?[0-9]+/)) return ""
            text = substr(text, 1, RLENGTH)
            sub(/^.*[^0-9]/, "", text)
            # A number that continues as a fraction or a word is not this number.
            return substr(all, index(all, name) + length(name) + RLENGTH, 1) ~ /[.eE0-9A-Za-z_-]/ ? "" : text
        }
        { all = all $0 "\n" }
        END {
            if (ENVIRON["FIELD"] !~ /^(active processes)?$/) {
                n = after(all, "\"" ENVIRON["FIELD"] "\"")
                if (n == "") n = after(all, "\"" ENVIRON["FIELD"])
                if (n == "") n = after(all, ENVIRON["FIELD"])
            } else if (match(all, /Reading: *[0-9]+ Writing: *[0-9]+/)) {
                split(substr(all, RSTART, RLENGTH), word, /[: ]+/)
                n = word[2] + word[4] - 1
            } else if (all ~ /active processes"?:/) {
                n = after(all, "active processes")
                waiting = after(all, "listen queue")
                if (n != "") n += waiting - 1
            } else if (all ~ /^[ \t\r\n]*[0-9]+[ \t\r\n]*$/) n = all + 0
            if (n == "") print "-"; else print (n < 0 ? 0 : n) ""
        }'
}

tick
began=$tick zero='' lines='' latest='' heard=''
while :; do
    tick
    at=$tick
    if text=$(ask); then said=$(printf '%s' "$text" | number); else said=-; fi
    [ "$said" != - ] || heard=$text
    # Of many zeros in a row only the first and the last one matter.
    if [ "$said" = 0 ] && [ -n "$zero" ]; then
        latest="said $at 0
"
    else
        lines="${lines}${latest}said $at $said
" latest='' zero=''
    fi
    if [ "$said" = 0 ]; then
        zero=${zero:-$at}
        [ $(((at - zero) * 10)) -ge "$quiet" ] && break
    fi
    tick
    [ -z "$zero" ] && [ $((tick - began + 100)) -gt $((seconds * 100)) ] && break
    sleep 1
done

if [ "$mode" = once ]; then
    [ "$said" = 0 ] && exit 0
    if [ "$said" = - ]; then echo "the counter told no number"; else echo "the counter says $said in flight"; fi
    exit 75
fi
echo "katakei-counter $began"
printf '%s' "$lines$latest"
[ -z "$heard" ] || echo "heard $(printf '%s' "$heard" | head -c 300 | base64 | tr -d '\n')"
echo katakei-end
