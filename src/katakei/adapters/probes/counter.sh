# Reads a number from the user's own software: how many requests are in flight. POSIX sh, awk and base64; a URL needs
# curl or wget. It reads about once a second and prints once, at its end:
#
#   katakei-counter BEGAN      moments are in 1/100 s of uptime, which no change of a clock moves
#   said MOMENT NUMBER         the moment right before the reading; `-` for an answer without a number
#   heard TEXT                 base64, the beginning of the last answer without a number
#   katakei-end
#
# Arguments: command=BASE64 or url=BASE64   field=BASE64 (a path in JSON, or a name in `name: number` lines)   quiet=MS
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

# read_answer: sets $text. Fails where the counter failed, and where it printed more than 1 MiB: the rest of such an
# answer could name the number once more. Only a complete answer has the last line that is added here.
most=1048576
read_answer() {
    text=$({ ask && printf '\n%s' katakei-read; } | head -c "$most")
    case $text in
        *katakei-read) text=${text%?katakei-read} ;;
        *) return 1 ;;
    esac
}

# number: prints the number in flight, or `-` where the answer does not tell exactly one whole number for it.
# An answer that begins like JSON must be JSON as a whole. nginx and php-fpm also count the request that asks; it is
# subtracted, even where the field of php-fpm is named.
number() {
    FIELD=$field awk '
        function whole(text) { return text ~ /^(0|[1-9][0-9]*)$/ && length(text) <= 9 ? text : "" }

        # of(name): the whole number of the only value with this name; "" where there is none, or more than one.
        function of(name) { return is_json ? (seen[name] == 1 ? whole(value[name]) : "") : in_lines(name) }
        function in_lines(name, i, rest, found, n) {
            for (i = 1; i <= NR; i++)
                if (substr(line[i], 1, length(name)) == name) {
                    rest = substr(line[i], length(name) + 1)
                    if (!sub(/^[ \t]*:[ \t]*/, "", rest)) continue
                    sub(/[ \t]*;?[ \t]*\r?$/, "", rest)
                    found++
                    n = whole(rest)
                }
            return found == 1 ? n : ""
        }

        # The parser reads `all` from `at` on. A function that fails returns 0, and then the answer is not JSON.
        function blanks() { while (substr(all, at, 1) ~ /^[ \t\r\n]$/) at++ }
        function next_is(mark) {
            blanks()
            if (substr(all, at, 1) != mark) return 0
            at++
            return 1
        }
        # UTF-8 of a \u escape. The halves of a pair stay apart: such a key equals no name.
        function utf8(hex, i, n) {
            for (i = 1; i <= 4; i++) n = n * 16 + index("0123456789abcdef", tolower(substr(hex, i, 1))) - 1
            if (n < 128) return n ? sprintf("%c", n) : " "
            if (n < 2048) return sprintf("%c%c", 192 + int(n / 64), 128 + n % 64)
            return sprintf("%c%c%c", 224 + int(n / 4096), 128 + int(n / 64) % 64, 128 + n % 64)
        }
        # Sets `string`.
        function quoted(part, c, out) {
            if (!next_is("\"")) return 0
            for (;;) {
                part = substr(all, at, 256)
                match(part, /^[^"\\]*/)
                part = substr(part, 1, RLENGTH)
                if (part ~ /[\001-\037]/) return 0
                at += RLENGTH
                out = out part
                if (RLENGTH == 256) continue
                c = substr(all, at, 1)
                at++
                if (c == "\"") { string = out; return 1 }
                c = substr(all, at, 1)
                at++
                if (c == "u") {
                    c = substr(all, at, 4)
                    if (c !~ /^[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]$/) return 0
                    out = out utf8(c)
                    at += 4
                } else if (c == "" || !(c in escaped)) return 0
                else out = out escaped[c]
            }
        }
        # any(path, depth, in_array): one value. `token` is its text where it is a number or a string, else "".
        function any(path, depth, in_array, part) {
            blanks()
            token = ""
            part = substr(all, at, 1)
            if (part == "{" || part == "[") {
                if (depth > 64) return 0
                at++
                if (!(part == "{" ? object(path, depth + 1, in_array) : array(depth + 1))) return 0
                token = ""
                return 1
            }
            if (part == "\"") {
                if (!quoted()) return 0
                token = string
                return 1
            }
            part = substr(all, at, 64)
            if (match(part, /^(true|false|null)/)) { at += RLENGTH; return 1 }
            if (!match(part, /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) || RLENGTH == 64) return 0
            at += RLENGTH
            token = substr(part, 1, RLENGTH)
            return 1
        }
        function object(path, depth, in_array, key) {
            if (next_is("}")) return 1
            do {
                if (!quoted()) return 0
                key = path string
                if (!next_is(":") || !any(key ".", depth, in_array)) return 0
                if (!in_array) { seen[key]++; value[key] = token }
            } while (next_is(","))
            return next_is("}")
        }
        function array(depth) {
            if (next_is("]")) return 1
            do if (!any("", depth, 1)) return 0; while (next_is(","))
            return next_is("]")
        }
        function json() {
            split("\" \\ / b f n r t", name, " ")
            split("\"|\\|/|\b|\f|\n|\r|\t", as, "|")
            for (i = 1; i <= 8; i++) escaped[name[i]] = as[i]
            at = 1
            if (!any("", 1, 0)) return 0
            blanks()
            return at > length(all)
        }

        function nginx(i, found, word) {
            for (i = 1; i <= NR; i++)
                if (line[i] ~ /^Reading: [0-9]+ Writing: [0-9]+ Waiting: [0-9]+[ \t\r]*$/) {
                    found++
                    split(line[i], word, " ")
                }
            if (found != 1 || of("Active connections") == "" || whole(word[2]) == "" || whole(word[4]) == "") return ""
            return word[2] + word[4] - 1
        }
        function fpm(waiting, active) {
            waiting = of("listen queue")
            active = of("active processes")
            return waiting == "" || active == "" ? "" : waiting + active - 1
        }

        { line[NR] = $0; all = all $0 "\n" }
        END {
            field = ENVIRON["FIELD"]
            is_json = all ~ /^[ \t\r\n]*[[{]/
            if (is_json && !json()) n = ""
            else if (field == "" || field == "active processes") {
                n = fpm()
                if (n == "" && !is_json) n = nginx()
                bare = all
                gsub(/^[ \t\r\n]+|[ \t\r\n]+$/, "", bare)
                if (n == "") n = field == "" ? whole(bare) : of(field)
            } else n = of(field)
            if (n == "") print "-"; else printf "%.0f\n", n < 0 ? 0 : n
        }'
}

tick
began=$tick zero='' lines='' latest='' heard=''
while :; do
    tick
    at=$tick
    if read_answer; then said=$(printf '%s' "$text" | number); else said=-; fi
    case $said in '' | *[!0-9]*) said=- heard=$text ;; esac
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
