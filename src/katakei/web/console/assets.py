"""Static files of the console: styles, the script, and the vendored libraries, each with a URL that names its content.

A file is found again under a new URL when it changes, so browsers may keep it for ever.
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
PREFIX: Final = "/static"


@cache
def asset_url(name: str) -> str:
    """The URL of a static file, with the beginning of its SHA-256."""
    return f"{PREFIX}/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"
