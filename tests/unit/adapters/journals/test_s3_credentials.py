"""The journal in S3 when its credentials end: what may be renewed is waited for, and read anew by the next call."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import exceptions as aws
from tests.contracts.credentials import WAYS, SignOn, signed_on
from tests.contracts.ledgers import ID, LEDGERS, S3Ledger, begun, bucket_at, fell, planned

from katakei.adapters.aws import S3
from katakei.adapters.aws.errors import translate
from katakei.adapters.journals.s3 import S3Journal
from katakei.domain.errors import KatakeiError, NoAnswerError, TemporarilyUnavailableError, UnreachableError

WHERE = "s3://bucket/"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[S3Ledger]:
    with LEDGERS["s3"](tmp_path) as made:
        assert isinstance(made, S3Ledger)
        yield made


@pytest.fixture
def sign_on(ledger: S3Ledger, tmp_path: Path) -> Iterator[SignOn]:
    ledger.bucket = bucket_at(ledger.bucket.place)
    with signed_on(tmp_path / "signed-on") as sign_on:
        yield sign_on


@pytest.mark.parametrize("way", WAYS)
def test_a_journal_without_credentials_is_out_of_reach_and_goes_on_once_they_are_found(
    ledger: S3Ledger, sign_on: SignOn, way: str
) -> None:
    lease, journal = begun(ledger), ledger.journal()
    sign_on.lost(way)
    for _ in range(2):  # the credentials at hand cannot be renewed; then there are none
        with pytest.raises(TemporarilyUnavailableError, match=r"AWS cannot be asked: .*check the credentials"):
            journal.append(lease, ID, 1, [fell(2)])
        with pytest.raises(TemporarilyUnavailableError, match=r"AWS cannot be asked: .*check the credentials"):
            ledger.leases().renew(lease)
    sign_on.found()
    ledger.leases().renew(lease)
    journal.append(lease, ID, 1, [fell(2)])
    assert journal.read(ID, 0) == [planned(), fell(2)]


def test_renewed_keys_in_a_file_are_found_by_the_next_call(
    ledger: S3Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun(ledger)
    keys = tmp_path / "keys"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    journal = S3Journal(bucket_at(ledger.bucket.place))
    with pytest.raises(TemporarilyUnavailableError, match=r"AWS cannot be asked: .*check the credentials"):
        journal.read(ID, 0)
    keys.write_text("[default]\naws_access_key_id = key\naws_secret_access_key = secret\n")
    assert journal.read(ID, 0) == [planned()]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aws.UnauthorizedSSOTokenError(), TemporarilyUnavailableError),
        (aws.TokenRetrievalError(provider="sso", error_msg="ended"), TemporarilyUnavailableError),
        (aws.ProfileNotFound(profile="deploy"), TemporarilyUnavailableError),
        (aws.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), TemporarilyUnavailableError),
        (aws.ParamValidationError(report="Invalid bucket name"), UnreachableError),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), UnreachableError),
        (aws.FlexibleChecksumError(error_msg="Expected checksum a did not match b"), NoAnswerError),
    ],
)
def test_only_what_may_be_renewed_is_out_of_reach(error: Exception, kind: type[KatakeiError]) -> None:
    assert type(translate(S3, "GetObject", error, WHERE)) is kind
