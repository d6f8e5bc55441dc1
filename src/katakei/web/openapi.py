"""The OpenAPI document as a file: `python -m katakei.web.openapi` prints what docs/openapi.json holds (`make docs`)."""

import json
import sys

from katakei.web.application import api_document


def text() -> str:
    """The document, with sorted keys, so that a change shows as few lines as possible."""
    return json.dumps(api_document(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
