"""The URLs of journals in PostgreSQL: what is read, what is refused, and that no password is ever shown."""

import pytest

from katakei.adapters.journals.locations import postgres_location_of
from katakei.domain.errors import UsageError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://kim@db.internal/katakei", "postgresql://kim@db.internal/katakei"),
        ("postgres://kim:pa%40ss@db:6432/katakei", "postgresql://kim@db:6432/katakei"),
        ("postgresql://kim:secret@[::1]:5432/k?sslmode=verify-full", "postgresql://kim@[::1]:5432/k"),
        ("postgresql://kim:secret@one:1,two:2/k?target_session_attrs=read-write", "postgresql://kim@one:1,two:2/k"),
        ("postgresql:///katakei?host=/run/postgresql", "postgresql:///katakei"),
        ("postgresql://db/a%20b", "postgresql://db/a b"),
    ],
)
def test_postgres_url_is_shown_without_password(url: str, shown: str) -> None:
    location = postgres_location_of(url)
    assert location is not None
    assert str(location) == shown
    assert location.url == url
    assert not any(secret in f"{location} {location!r}" for secret in ("secret", "pa%40ss", "pa@ss"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://kim:secret@db",
        "postgresql://kim:secret@db/",
        "postgresql://kim:secret@db/one/two",
        "postgresql://kim:sec/ret@db/katakei",
        "postgresql://kim:sec#ret@db/katakei",
        "postgresql://kim:sec?ret@db/katakei",
        "postgresql://kim:a/b?secret=c@db/katakei",
        "postgresql://kim:secret/b@db",
        "postgresql://kim:secret@x@db/katakei",
        "postgresql://kim:secret@[::1/katakei",
        "postgresql://kim:secret@db:port/katakei",
        "postgresql://kim:secret@db/katakei?password=secret",
        "postgresql://kim:secret@db/katakei?options=-csearch_path%3Dsecret",
        "postgresql://kim:secret@db/katakei?sslmode",
        "postgresql://kim:secret@db/k%00",
        "postgresql://kim:secret@db/k%ff",
    ],
)
def test_invalid_postgres_url_is_refused_without_password(url: str) -> None:
    with pytest.raises(UsageError, match="URL of the journal in PostgreSQL") as refused:
        postgres_location_of(url)
    assert not any(part in str(refused.value) for part in ("secret", "sec", "ret@", "kim"))
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("url", ["s3://bucket/x", "/var/journal.db", "sqlite:////x.db", "postgresql:katakei"])
def test_other_places_are_not_postgres(url: str) -> None:
    assert postgres_location_of(url) is None
