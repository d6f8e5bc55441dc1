"""Releases as values: their words for the program, their sentence for people, and names that are refused."""

import pytest

from katakei.domain.errors import UsageError
from katakei.domain.releases import ArtifactSource, Release, SourceKind, check_place, release_id

GIT = ArtifactSource(SourceKind.GIT, "https://host/shop.git", "v{release}")
S3 = ArtifactSource(SourceKind.S3, "s3://b/{release}.tar", sha256="beside", region="eu-west-1", strip=True)


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(words[::2], words[1::2], strict=True))


def test_words_name_every_setting() -> None:
    release = Release("/srv/app", S3, ("storage/", ".env"), 3, "before", "restart", "after")
    assert _pairs(release.words("v1")) == [
        ("id", "v1"),
        ("path", "/srv/app"),
        ("restart", "restart"),
        ("kind", "s3"),
        ("place", "s3://b/v1.tar"),
        ("sha256", "beside"),
        ("region", "eu-west-1"),
        ("strip", "1"),
        ("keep", "3"),
        ("shared", "storage/"),
        ("shared", ".env"),
        ("before_switch", "before"),
        ("after_switch", "after"),
    ]
    assert ("revision", "v1.2") in _pairs(Release("/a", GIT).words("1.2"))


def test_words_of_the_way_back_fetch_nothing() -> None:
    back = Release("/srv/app", S3, ("a",), 3, "before", "restart", "after").back
    assert _pairs(back.words("v1")) == [("id", "v1"), ("path", "/srv/app"), ("restart", "restart"), ("kind", "back")]


def test_sentence_names_all_that_runs() -> None:
    assert str(Release("/srv/app", GIT, restart="reload")) == (
        "release in /srv/app from git https://host/shop.git, at v{release}; keep 5; restart: reload"
    )
    assert str(Release("/srv/app", S3, ("a", "b"), 3, "one", "two", "three")) == (
        "release in /srv/app from s3 s3://b/{release}.tar, sha256 beside, region eu-west-1, without its folder;"
        " shared a, b; keep 3; before_switch: one; restart: two; after_switch: three"
    )
    assert str(Release("/srv/app", restart="two")) == "back to the release before in /srv/app; restart: two"


@pytest.mark.parametrize("name", ["../v1", "a/b", "..", "a..b", "-v1", ".v1", "a b", "a:b", "a\nb", "v" * 129])
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a folder"):
        release_id(name)


def test_release_needs_a_name() -> None:
    with pytest.raises(UsageError, match="work: release needs the name of the release: add --release v2"):
        release_id("")
    assert release_id("v1.2_3@x+y-z") == "v1.2_3@x+y-z"


@pytest.mark.parametrize(
    ("kind", "place", "sha256"),
    [
        (SourceKind.GIT, "http://host/a", ""),
        (SourceKind.S3, "https://host/a", ""),
        (SourceKind.URL, "http://host/a", ""),
        (SourceKind.URL, "http://host/a", "beside"),
    ],
)
def test_place_that_could_be_changed_is_refused(kind: SourceKind, place: str, sha256: str) -> None:
    with pytest.raises(ValueError, match="write"):
        check_place(kind, place, sha256)


def test_place_with_a_checksum_may_be_plain_http() -> None:
    check_place(SourceKind.URL, "http://host/a", "0" * 64)
    check_place(SourceKind.GIT, "git@host:a/b.git", "")
