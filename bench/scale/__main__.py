"""`python -m bench.scale [JOURNAL_URL…]` prints the section."""

import sys

from bench.scale import section

if __name__ == "__main__":
    sys.stdout.write(section(*sys.argv[1:]))
