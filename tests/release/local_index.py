"""A package index in a folder: wheels made again from what this environment has installed, so that no test downloads.

An installer reads the folder with `--no-index --find-links`. It resolves the requirements of the new wheel against the
versions that `requirements/dev.txt` pins.
"""

import re
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed(name: str) -> dict[str, Distribution]:
    """A package and all that it needs here, without extras."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        if (key := canonicalize_name(waiting.pop())) in found:
            continue
        found[key] = distribution(key)
        requirements = map(Requirement, found[key].requires or ())
        waiting += [each.name for each in requirements if not each.marker or each.marker.evaluate({"extra": ""})]
    return found


def fill(folder: Path, name: str) -> None:
    """Puts a wheel of each package that `name` needs into a folder, without `name` itself."""
    for key, each in needed(name).items():
        if key != name:
            _pack(each, folder)


def _pack(each: Distribution, folder: Path) -> None:
    tags = re.findall(r"^Tag: (\S+)$", each.read_text("WHEEL") or "", re.MULTILINE)
    # An interpreter reads every tag of a wheel; its file name needs one that holds all of them.
    parts = [sorted({tag.split("-")[place] for tag in tags}) for place in range(3)]
    stem = f"{canonicalize_name(each.metadata['Name']).replace('-', '_')}-{each.version}"
    with zipfile.ZipFile(folder / f"{stem}-{'-'.join('.'.join(part) for part in parts)}.whl", "w") as wheel:
        for file in each.files or ():
            if (
                ".." in file.parts
                or file.suffix == ".pyc"
                or file.name in {"INSTALLER", "REQUESTED", "direct_url.json"}
            ):
                continue
            wheel.write(str(each.locate_file(file)), str(file))
