"""How a server's own scripts ask for a restart: `bin/restart` writes into a pipe of the folder, this listens.

It knows how to ask and how to answer, not how to restart.
"""

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from katakei.lab.problem import LabError

LISTENING = "listening"
"""The answer to a restart that went well; any other is a sentence about what did not."""

RESTART = f"""\
#!/bin/sh
# Restarts the application of this server and returns when the new process listens.
#   bin/restart            ends the old one at once: requests in flight are dropped
#   bin/restart graceful   lets them finish first (SIGQUIT)
cd "$(dirname "$0")/.." || exit 1
if [ ! -d "/proc/$(cat lab.pid)" ]; then echo "the lab of this server has ended" >&2; exit 1; fi
# A rehearsal of a deploy that hangs puts a file "hang" into this folder.
while [ -e hang ]; do sleep 0.2; done
answer="restarted.$$"
rm -f "$answer"
echo "${{1:-now}} $answer" > control
turns=0
while [ ! -e "$answer" ]; do
  turns=$((turns + 1))
  if [ "$turns" -gt 2400 ]; then echo "no answer from the lab within two minutes" >&2; exit 1; fi
  sleep 0.05
done
said="$(cat "$answer")"
rm -f "$answer"
if [ "$said" = "{LISTENING}" ]; then exit 0; fi
echo "$said" >&2
exit 1
"""


class Control:
    """One server's ear. `restart(graceful)` answers LISTENING or a sentence."""

    def __init__(self, folder: Path, restart: Callable[[bool], str]) -> None:
        self._folder = folder
        self._restart = restart
        (folder / "lab.pid").write_text(f"{os.getpid()}\n")
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin/restart").write_text(RESTART)
        (folder / "bin/restart").chmod(0o755)
        os.mkfifo(folder / "control", 0o600)
        # Open both ways: then reading never meets the end while nobody writes, and writing never waits while we live.
        self._pipe = os.open(folder / "control", os.O_RDWR)
        self._thread = threading.Thread(target=self._hear, name=f"control of {folder.name}", daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        with os.fdopen(os.dup(self._pipe), closefd=True) as lines:
            for line in lines:
                if line == "end\n":
                    return
                if asked := re.fullmatch(r"(now|graceful) (restarted\.\d+)\n", line):
                    self._answer(asked[2], self._restarted(graceful=asked[1] == "graceful"))

    def _restarted(self, *, graceful: bool) -> str:
        try:
            return self._restart(graceful)
        except (OSError, LabError) as error:
            return str(error)

    def _answer(self, name: str, words: str) -> None:
        (self._folder / f".{name}").write_text(words)
        (self._folder / f".{name}").rename(self._folder / name)

    def close(self) -> None:
        """Stop listening; a script that asks from now on is told that the lab has ended."""
        os.write(self._pipe, b"end\n")
        self._thread.join(120)
        os.close(self._pipe)
        (self._folder / "control").unlink()
        (self._folder / "lab.pid").write_text("ended\n")
