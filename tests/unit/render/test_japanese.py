"""The views as a reader of Japanese meets them: recap, live view, plan, history; aligned, wrapped, commands literal."""

import shlex
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.given import NOON, a_plan, brought, given, later, t

from katakei.domain import events as e
from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.notifications import Language
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.reasons import ReasonCode, reason
from katakei.planning.forecast import forecast
from katakei.render.errors import error_text
from katakei.render.events import event_json, history, line, summary
from katakei.render.live_table import LiveView, live
from katakei.render.plan import plan_text
from katakei.render.reasons import sentence
from katakei.render.recap import Invocation, recap
from katakei.render.report import markdown, page
from katakei.render.translation import translator
from katakei.render.widths import width, wrapped

JA = translator(Language.JAPANESE)
FAILED = reason(ReasonCode.WORK_FAILED, exit=3, text="")
DRAINING = reason(
    ReasonCode.DRAINING,
    waited=35.0,
    probe=reason(ReasonCode.PROBE_REPORT, text="3 connections, none holds a request"),
    delay=300.0,
    left=265.0,
)


def plan_of(number: int) -> Plan:
    plan = a_plan(number)
    targets = tuple(replace(target, name=f"web-{n}") for n, target in enumerate(plan.targets, 1))
    group = replace(plan.groups[0], name="LaravelTargetGroup")
    return replace(plan, targets=targets, groups=(group,), release="v9")


def failed(plan: Plan) -> list[e.Event]:
    key = e.WorkKey(plan.rollout, t(plan, 0), 1, Intent.UPDATE)
    return [
        *brought(plan, Phase.WORKING, 0),
        e.WorkEnded(later(60), key, 3, "composer: not found\n"),
        e.PhaseChanged(later(60), t(plan, 0), Phase.LEFT_OUT, "", None, Cause.FAILED, FAILED),
        e.PhaseChanged(later(61), t(plan, 1), Phase.SKIPPED),
        e.Finished(later(72)),
    ]


def test_sentence_says_what_is_waited_for() -> None:
    assert sentence(DRAINING, JA) == (
        "ドレイニング中 (35秒経過)。接続 3 件、処理中のリクエストなし。"
        "ロードバランサーのタイマー (5分) は残り 4分25秒です"
    )


def test_recap_keeps_its_commands_literal() -> None:
    plan = plan_of(2)
    rollout = given(plan, failed(plan))
    english = recap(rollout, {}, Invocation(("roll",)), later(72)).splitlines()
    japanese = recap(rollout, {}, Invocation(("roll",)), later(72), JA).splitlines()
    assert japanese[0] == f"失敗  shop v9 → LaravelTargetGroup (ロールアウト {plan.rollout}、1分12秒)"
    assert "サービス外  作業が終了コード 3 で失敗しました。出力の最後:" in japanese[1]
    commands = [
        [line[line.index("katakei ") :].partition("  (")[0] for line in each if "  katakei " in line]
        for each in (english, japanese)
    ]
    assert commands[0] == commands[1]
    assert all(shlex.split(command) for command in commands[1])
    starts = {width(line[: line.index("katakei ")]) for line in japanese if "  katakei " in line}
    assert len(starts) == 1


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_live_view_fits_the_terminal(columns: int) -> None:
    plan = plan_of(4)
    rollout = given(plan, brought(plan, Phase.DRAINING, 0))
    why = reason(ReasonCode.TARGET_WAITS, target=t(plan, 0), name="web-1", why=DRAINING, others=0)
    view = LiveView(rollout, why, {t(plan, 0): DRAINING}, forecast(plan), later(72), tr=JA)
    lines = live(view, columns, 24)
    assert max(line.cell_len for line in lines) <= columns
    text = "".join(line.plain for line in lines)
    assert "v9 → LaravelTargetGroup" in text
    assert "遅くとも" in text
    assert "ドレイニング中" in text
    assert "Ctrl-C: 進行中のターゲットを終えてから停止" in text


def test_plan_aligns_its_facts() -> None:
    plan = plan_of(2)
    lines = plan_text(plan, forecast(plan), JA).splitlines()
    assert lines[0].startswith("shop を v9 にロールアウトします (2 台): アカウント ")
    order = [line for line in lines if " web-" in line or "(web-" in line]
    assert {width(line[: line.index(".")]) for line in order} == {10}


def test_lines_and_summary_are_japanese() -> None:
    plan = plan_of(2)
    events = failed(plan)
    rollout = given(plan, events)
    lines = [line(rollout, event, JA) for event in events]
    assert lines[-3].endswith("切り離したまま: 作業が終了コード 3 で失敗しました")
    assert summary(rollout, JA).startswith(f"失敗  ロールアウト {plan.rollout} (所要 1分12秒): ")
    assert "ターゲット" in history(rollout, events, "", JA)


def test_json_stays_english() -> None:
    plan = plan_of(1)
    event = e.PhaseChanged(NOON, t(plan, 0), Phase.LEFT_OUT, "", None, Cause.FAILED, FAILED)
    assert "the work ended with exit code 3" in event_json(event)


def test_report_names_its_language() -> None:
    plan = plan_of(2)
    events = [e.Planned(NOON, plan), *failed(plan)]
    rollout = given(plan, failed(plan))
    html = page(rollout, events, ["aws elbv2 register-targets"], later(72), JA)
    assert '<html lang="ja">' in html
    assert "待機の理由" in html
    text = markdown(rollout, events, ["aws elbv2 register-targets"], later(72), JA)
    assert text.startswith("## 失敗: ")
    assert "aws elbv2 register-targets" in text


def test_errors_are_japanese_with_and_without_reasons() -> None:
    by_reason = RefusedError(reasons=(reason(ReasonCode.GROUP_FLOOR, group="web", serving=1, floor=2),))
    assert error_text(by_reason, JA) == "外すと web の稼働数が 1 になり、下限 2 を下回ります"
    assert error_text(UsageError("rollout r-1 is not paused"), JA) == "ロールアウト r-1 は一時停止していません"
    assert error_text(UsageError("boom: 7"), JA) == "boom: 7"


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("外すと稼働数が下がります。続けますか", 12, ["外すと稼働数", "が下がりま", "す。続けます", "か"]),
        ("実行: katakei abort r-7h2k", 12, ["実行:", "katakei", "abort r-7h2k"]),
        ("ターゲット (web-1)を登録しました", 20, ["ターゲット (web-1)を", "登録しました"]),
    ],
)
def test_wide_text_is_wrapped_by_columns(text: str, columns: int, lines: list[str]) -> None:
    assert wrapped(text, columns, "").splitlines() == lines
    assert all(width(line) <= columns for line in lines)


def test_duration_of_a_day_is_in_hours() -> None:
    assert JA.span(timedelta(days=1)) == "24時間0分"
