"""Wrapper that runs one command and writes its CPU time and memory: `python measure_command.py FILE COMMAND...`.

A separate program, because on Linux a new process inherits the peak memory of its parent.
"""

import json
import os
import resource
import sys
from pathlib import Path

if __name__ == "__main__":
    pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _, status = os.waitpid(pid, 0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.dumps({"cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024})
    Path(sys.argv[1]).write_text(told, encoding="ascii")
    sys.exit(os.waitstatus_to_exitcode(status) % 256)
