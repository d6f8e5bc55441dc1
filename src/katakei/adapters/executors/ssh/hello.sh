# Tells whether work could begin here, and changes nothing. Prints one line of words:
#   katakei-hello INSTANCE SYSTEM MISSING WRITABLE FREE KILLS STATE
# INSTANCE is the instance id as the firmware tells it, MISSING the tools that are not here, FREE the free KiB below the
# state folder, KILLS whether the login manager ends processes at the end of a session. `-` is none or unknown.
set -uf
root=${KATAKEI_STATE:-/var/lib/katakei}
machine=${KATAKEI_MACHINE_ID:-}
[ -n "$machine" ] || { read -r machine </sys/class/dmi/id/board_asset_tag; } 2>/dev/null
case $machine in i-*[!0-9a-z-]*) machine=- ;; i-*) ;; *) machine=- ;; esac
missing=''
for need in base64 cat date dd id ln mkdir mkfifo mv rm setsid sleep tail tr uname wc; do
    command -v "$need" >/dev/null || missing="$missing,$need"
done
place=$root
until [ -e "$place" ] || [ -z "$place" ]; do place=${place%/*}; done
place=${place:-/}
writable=no
if [ -d "$place" ] && [ -w "$place" ] && [ -x "$place" ]; then writable=yes; fi
free=$(df -Pk "$place" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo "$free"; })
case $free in '' | *[!0-9]*) free=- ;; esac
kills=no
if [ "$(id -u)" != 0 ] && command -v busctl >/dev/null; then
    said=$(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null)
    if [ "$said" = "b true" ]; then kills=yes; fi
fi
missing=${missing#,}
echo "katakei-hello $machine $(uname -s) ${missing:--} $writable $free $kills $(printf '%s' "$root" | base64 | tr -d '\n')"
echo katakei-end
