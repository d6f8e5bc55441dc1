"""Tests of target groups as text: what `groups` and `status` print."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from rich.cells import cell_len as width
from tests.unit.given import NOON, a_group, a_plan, brought, given, later, t
from tests.unit.surveyed import DOWN, HEALTHY, WEB, a_survey

from katakei.domain import events as e
from katakei.domain.errors import UnreachableError
from katakei.domain.freezes import Freeze
from katakei.domain.model import Registration, RolloutId, TargetId
from katakei.domain.observation import RegistrationHealth
from katakei.domain.overview import CarriedRelease, Knowledge
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor
from katakei.domain.ports import GroupMember, ListedGroup
from katakei.domain.replay import Rollout
from katakei.render.groups import groups_data, groups_text, status_data, status_text

MEMBERS = a_survey([HEALTHY, DOWN]).members[WEB.arn]
LISTED = ListedGroup(WEB.arn, WEB.name, WEB.port, WEB.protocol, WEB.target_type, MEMBERS)
PLACE = "ap-northeast-1, account 123456789012"
R = RolloutId("r-7h2kabcd")


@pytest.fixture(autouse=True)
def tokyo(local_zone: Any) -> Iterator[None]:
    with local_zone("Asia/Tokyo"):
        yield


def holding() -> Rollout:
    """A rollout that has taken the first target out of the group."""
    target = replace(a_plan(1).targets[0], registrations=(MEMBERS[0].registration,))
    plan = replace(a_plan(1), groups=(WEB,), targets=(target,), floors={WEB.arn: Floor(0, 1)}, rollout=R)
    failed = e.PhaseChanged(later(70), t(plan), Phase.LEFT_OUT, "the work ended with exit code 3")
    return given(plan, brought(plan, Phase.WORKING), [failed])


HELD = [(MEMBERS[0].registration, holding())]


def carried(*releases: tuple[str | None, Knowledge] | None) -> dict[TargetId, CarriedRelease]:
    return {MEMBERS[n].machine: CarriedRelease(one[0], R, one[1]) for n, one in enumerate(releases) if one}


def member(number: int, name: str, identity: str = "", port: int = 80) -> GroupMember:
    ident = identity or f"i-{number:017x}"
    return GroupMember(
        Registration(WEB.arn, ident, port),
        RegistrationHealth(HEALTHY, NOON, NOON),
        TargetId(ident),
        name,
        "10.0.0.1",
        "ap-northeast-1a",
        {},
    )


def test_groups_text_counts_serving_registrations() -> None:
    assert groups_text([LISTED], "ap-northeast-1", "123456789012").splitlines() == [
        PLACE,
        "",
        "GROUP  SERVING  PROTOCOL  PORT  TYPE      ARN",
        f"web    1/2      HTTP      80    instance  {WEB.arn}",
    ]


def test_groups_text_of_an_empty_place_names_the_place() -> None:
    assert groups_text([], "eu-north-1", "123456789012") == (
        "no target groups in eu-north-1, account 123456789012; for another place, give --region or --profile"
    )
    data: Any = groups_data([], "eu-north-1", "123456789012")
    assert (data["region"], data["account"]) == ("eu-north-1", "123456789012")


def test_groups_text_is_sorted_by_name() -> None:
    listed = [replace(LISTED, name=name, arn=a_group(name).arn) for name in ("web-10", "api", "web-2")]
    for order in permutations(listed):
        lines = groups_text(order, "ap-northeast-1", "123456789012").splitlines()
        assert lines[0] == f"3 target groups in {PLACE}"
        assert [line.split()[0] for line in lines[3:]] == ["api", "web-2", "web-10"]


def test_groups_show_the_freezes_of_each_group() -> None:
    api = replace(LISTED, name="api", arn=a_group("api").arn)
    freeze = Freeze(WEB.arn, "ada", "the sale", NOON, NOON + timedelta(hours=1))
    where = ([LISTED, api], "ap-northeast-1", "123456789012")
    assert groups_text(*where, freezes=(freeze,)).splitlines()[:3] == [
        f"2 target groups in {PLACE}",
        "web is frozen by ada since 2026-11-22 21:00 JST until 2026-11-22 22:00 JST: the sale",
        "",
    ]
    data: Any = groups_data(*where, (freeze,))
    assert [[each["why"] for each in group["freezes"]] for group in data["groups"]] == [["the sale"], []]


def test_groups_are_shown_when_freezes_cannot_be_read() -> None:
    unread = UnreachableError("the journal s3://logs does not answer\n::error::x")
    where = ([LISTED], "ap-northeast-1", "123456789012")
    lines = groups_text(*where, freezes=unread).splitlines()
    assert lines[:3] == [PLACE, "the freezes cannot be read: the journal s3://logs does not answer \\x3a:error::x", ""]
    assert lines[-1].startswith("web ")
    data: Any = groups_data(*where, unread)
    assert [group["freezes"] for group in data["groups"]] == [None]


def test_status_text_shows_every_member_and_its_release() -> None:
    text = status_text(LISTED, (), carried(("v8", Knowledge.CONFIRMED), ("v7", Knowledge.REVERTED)))
    assert text.splitlines() == [
        f"web ({PLACE})",
        "1 of 2 serving",
        "",
        "TARGET               NAME  PORT  ZONE  STATE      RELEASE",
        "i-00000000000000000  web0  80    a     healthy    v8",
        "i-00000000000000001  web1  80    c     unhealthy  v7 (reverted)",
    ]


def test_status_shows_the_freezes_of_the_group() -> None:
    freeze = Freeze(WEB.arn, "ada", "the sale", NOON, NOON + timedelta(hours=1))
    lines = status_text(LISTED, (), {}, freezes=(freeze,)).splitlines()
    assert lines[1:4] == [
        "1 of 2 serving",
        "web is frozen by ada since 2026-11-22 21:00 JST until 2026-11-22 22:00 JST: the sale",
        "",
    ]
    data: Any = status_data(LISTED, (), {}, (freeze,))
    assert [(each["who"], each["until"]) for each in data["freezes"]] == [("ada", "2026-11-22T13:00:00+00:00")]
    unfrozen: Any = status_data(LISTED, (), {})
    assert unfrozen["freezes"] == []


def test_status_text_names_the_rollout_that_holds_a_target_out() -> None:
    gone = replace(LISTED, members=(replace(MEMBERS[1], seen=RegistrationHealth(HEALTHY, NOON, NOON)),))
    known = carried(("v9", Knowledge.UNCONFIRMED), ("v8", Knowledge.CONFIRMED))
    assert status_text(gone, HELD, known).splitlines()[1:] == [
        f"1 of 2 serving · 1 held out by {R}",
        "",
        "TARGET               NAME  PORT  ZONE  STATE    RELEASE",
        "i-00000000000000000  web0  80    a     absent   v9 (unconfirmed)",
        f"    held out by {R} since 2026-11-22 21:01 JST: the work ended with exit",
        "    code 3",
        "i-00000000000000001  web1  80    c     healthy  v8",
    ]
    data: Any = status_data(gone, HELD, known)
    assert (data["serving"], data["total"], data["held_out"]) == (1, 1, 1)
    assert [(row["release"], row["release_state"]) for row in data["targets"]] == [
        ("v9", "unconfirmed"),
        ("v8", "confirmed"),
    ]


def test_status_text_gives_the_words_of_the_load_balancer() -> None:
    seen = RegistrationHealth(DOWN, NOON, NOON, "Target.Timeout", "Request timed out")
    text = status_text(replace(LISTED, members=(MEMBERS[0], replace(MEMBERS[1], seen=seen))), (), {})
    assert text.splitlines()[-1] == "    Target.Timeout: Request timed out"


def test_status_text_makes_names_and_reasons_harmless() -> None:
    seen = RegistrationHealth(DOWN, NOON, NOON, "Target.Timeout", "one\n::error::two\x1b[2J")
    text = status_text(replace(LISTED, members=(replace(member(1, "web\n::error::x"), seen=seen),)), (), {})
    assert len(text.splitlines()) == 6
    assert "\x1b" not in text


def test_status_text_wraps_no_command_to_the_start_of_a_line() -> None:
    for length in range(40, 90):
        seen = RegistrationHealth(DOWN, NOON, NOON, "", f"{'a' * length} ::error::two")
        text = status_text(replace(LISTED, members=(replace(member(1, "web-1"), seen=seen),)), (), {})
        assert not any(line.strip().startswith("::") for line in text.splitlines()), length


def test_status_counts_no_target_as_held_that_serves_again() -> None:
    assert status_text(LISTED, HELD, {}).splitlines()[1] == "1 of 2 serving"
    data: Any = status_data(LISTED, HELD, {})
    assert (data["held_out"], data["targets"][0]["held_by"]) == (0, "")


def test_status_keeps_one_order_whatever_the_load_balancer_answers() -> None:
    members = [member(3, "web-10"), member(2, "web-2"), member(1, "web-2"), member(1, "web-2", port=8080)]
    texts = {status_text(replace(LISTED, members=order), (), {}) for order in permutations(members)}
    assert len(texts) == 1
    rows = [line.split() for line in texts.pop().splitlines()[4:]]
    assert [(row[0][-1], row[1], row[2]) for row in rows] == [
        ("1", "web-2", "80"),
        ("1", "web-2", "8080"),
        ("2", "web-2", "80"),
        ("3", "web-10", "80"),
    ]


def test_status_aligns_full_width_names() -> None:
    listed = replace(LISTED, members=(member(1, "本番ウェブ"), member(2, "web-2")))
    lines = status_text(listed, (), {}).splitlines()[3:]
    starts = {width(line[: line.index(word)]) for line, word in zip(lines, ("PORT", "80", "80"), strict=True)}
    assert len(starts) == 1


def test_status_fits_80_columns_with_usual_names() -> None:
    seen = RegistrationHealth(
        DOWN, NOON, NOON, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]"
    )
    members = (replace(member(1, "web-01"), seen=seen), member(2, "web-02"))
    releases = {members[0].machine: CarriedRelease("v9", R, Knowledge.UNCONFIRMED)}
    group = replace(LISTED, name="LaravelTargetGroup", members=members)
    widths = [width(line) for line in status_text(group, HELD, releases).splitlines()]
    assert max(widths) <= 80, widths


def test_status_text_of_an_empty_group() -> None:
    lines: Sequence[str] = status_text(replace(LISTED, members=()), (), {}).splitlines()
    assert lines == [f"web ({PLACE})", "0 of 0 serving", "no targets are registered"]
