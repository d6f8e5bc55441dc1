"""Tests of the reasons of access as data."""

import pytest

from katakei.domain.access_reasons import AccessCode, access_reason

C = AccessCode


def test_access_reason_refuses_wrong_facts() -> None:
    with pytest.raises(ValueError, match="session_ended has the facts none, not who"):
        access_reason(C.SESSION_ENDED, who="ada")
    with pytest.raises(ValueError, match="login_refused has the facts text, not none"):
        access_reason(C.LOGIN_REFUSED)


def test_text_from_outside_is_harmless_in_a_reason() -> None:
    assert access_reason(C.LOGIN_REFUSED, text="a\n::error::b").value("text") == "a ::error::b"
    assert access_reason(C.LOGIN_REFUSED, text="\x1b[31mred").value("text") == "red"
