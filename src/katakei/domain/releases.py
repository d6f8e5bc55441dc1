"""Releases that are put into place on a target: a source, a folder in the layout of Capistrano, and how it is switched.

`Command.release` holds one. The program on the target gets it as words (`Release.words`), never as a shell text.
"""

import re
from dataclasses import dataclass
from enum import Enum

from katakei.domain.errors import UsageError

NAME_PLACE = "{release}"
"""Stands for the name of the release in the place and in the revision of a source."""

_PLACES = {
    "git": re.compile(r"(https://|ssh://|file:///|/)[!-~]+|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[!-~]+"),
    "s3": re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[!-~]+"),
    "url": re.compile(r"https?://[!-~]+|file:///[!-~]+"),
}
_EXAMPLES = {
    "git": "https://host/shop.git or git@host:shop.git",
    "s3": "s3://bucket/shop-{release}.tar.gz",
    "url": "https://host/shop-{release}.tar.gz",
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")


class SourceKind(Enum):
    """What a release is taken from."""

    GIT = "git"
    S3 = "s3"
    URL = "url"


BESIDE = "beside"
"""The checksum is in a file with the same name and `.sha256` at its end."""


@dataclass(frozen=True, slots=True)
class ArtifactSource:
    """Where a target finds a release.

    Attributes:
        kind: What the place is.
        place: A git repository, an object in S3 (s3://bucket/key), or a URL; `{release}` stands for the name.
        revision: The tag or commit (GIT); `{release}` stands for the name.
        sha256: The checksum of the archive, or BESIDE; '' for none, and for GIT.
        region: The AWS region of the bucket; '' for the region of the target.
        strip: The archive holds one folder, and what is in that is the release.
    """

    kind: SourceKind
    place: str
    revision: str = ""
    sha256: str = ""
    region: str = ""
    strip: bool = False

    def __str__(self) -> str:
        words = (
            f"{self.kind.value} {self.place}",
            f"at {self.revision}" if self.revision else "",
            f"sha256 {self.sha256}" if self.sha256 else "",
            f"region {self.region}" if self.region else "",
            "without its folder" if self.strip else "",
        )
        return ", ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Release:
    """How a release is put into place, or with no source, how the one before is taken back.

    Attributes:
        path: The folder that holds `releases`, `shared` and `current`.
        source: Where the release is found; None goes back to the release before.
        shared: Files and folders below `shared`; one with `/` at its end is made where it is missing.
        keep: How many releases stay.
        before_switch: A command that runs in the folder of the release, before `current` is switched.
        restart: A command that runs in `current` after each switch, also back.
        after_switch: A command that runs in `current` after that.
    """

    path: str
    source: ArtifactSource | None = None
    shared: tuple[str, ...] = ()
    keep: int = 5
    before_switch: str = ""
    restart: str = ""
    after_switch: str = ""

    def __str__(self) -> str:
        commands = {"before_switch": self.before_switch, "restart": self.restart, "after_switch": self.after_switch}
        words = (
            f"release in {self.path} from {self.source}"
            if self.source
            else f"back to the release before in {self.path}",
            f"shared {', '.join(self.shared)}" if self.shared else "",
            f"keep {self.keep}" if self.source else "",
            *(f"{name}: {command}" for name, command in commands.items() if command),
        )
        return "; ".join(word for word in words if word)

    @property
    def back(self) -> "Release":
        """What takes this release back: a switch of the link, and the restart."""
        return Release(self.path, restart=self.restart)

    def words(self, release: str) -> tuple[str, ...]:
        """What the program on the target gets: names and values in turn.

        Args:
            release: The name of the release, as `release_id` accepts it.

        Raises:
            UsageError: The name cannot name a folder.
        """
        settings = [("id", release_id(release)), ("path", self.path), ("restart", self.restart)]
        if (source := self.source) is None:
            return _flat([*settings, ("kind", "back")])
        settings += [
            ("kind", source.kind.value),
            ("place", source.place.replace(NAME_PLACE, release)),
            ("revision", source.revision.replace(NAME_PLACE, release)),
            ("sha256", source.sha256),
            ("region", source.region),
            ("strip", str(int(source.strip))),
            ("keep", str(self.keep)),
            *(("shared", each) for each in self.shared),
            ("before_switch", self.before_switch),
            ("after_switch", self.after_switch),
        ]
        return _flat([(name, value) for name, value in settings if value])


def check_place(kind: SourceKind, place: str, sha256: str) -> None:
    """Checks the place of a source.

    Raises:
        ValueError: It is no place of this kind, or what comes from there could be changed on its way.
    """
    if not _PLACES[kind.value].fullmatch(place):
        raise ValueError(f"{place!r} is no {kind.value} source; write {_EXAMPLES[kind.value]}")
    if place.startswith("http://") and sha256 in {"", BESIDE}:
        raise ValueError("http can be changed on its way; write https, or the checksum as sha256: DIGITS")


def release_id(name: str) -> str:
    """The name of a release that is put into place by `work: release`. It names a folder on the targets.

    Raises:
        UsageError: There is none, or it cannot name a folder.
    """
    if not name:
        raise UsageError("work: release needs the name of the release: add --release v2")
    if not _ID.fullmatch(name) or ".." in name:
        raise UsageError(
            f"the release {name!r} cannot name a folder: use letters, digits and . _ @ + -, without .., and a letter"
            " or digit first"
        )
    return name


def _flat(settings: list[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(word for setting in settings for word in setting)
