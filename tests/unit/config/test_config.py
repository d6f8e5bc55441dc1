"""Tests of katakei.yml: what is accepted, and how each fault is reported with its line and advice."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katakei import config
from katakei.config import Overrides, defaults, field_types, schema
from katakei.domain import spec as s
from katakei.domain.errors import UsageError

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "katakei.yml.example"
SCHEMA = ROOT / "docs" / "katakei.schema.json"
SMALL = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"
SSM = "{ssm: {run: ./deploy}}"
URL = "http://127.0.0.1/fpm?json"
BY_PROOF = s.Drain(until=s.DrainUntil.PROOF, probe="ssm")
NOTHING = Overrides()
Load = Callable[[str], s.Spec]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def loaded(text: str) -> s.Spec:
        file = tmp_path / "katakei.yml"
        file.write_text(text, encoding="utf-8")
        return config.load(file, NOTHING)

    return loaded


def refused(load: Load, text: str) -> list[str]:
    with pytest.raises(UsageError) as fault:
        load(text)
    return str(fault.value).splitlines()


def test_load_reads_the_documented_example() -> None:
    spec = config.load(EXAMPLE, NOTHING)
    assert spec == s.Spec(
        service="laravel",
        groups=("LaravelTargetGroup",),
        work=s.Command("ssm", '/opt/app/deploy.sh "$KATAKEI_RELEASE"'),
        late=s.LatePolicy.ROLL,
        drain=BY_PROOF,
        check=s.Check(s.HttpCheck("/health", "200")),
        overlap=s.Overlap.AUTO,
    )


def test_load_fills_in_every_default(load: Load) -> None:
    base = s.Spec("shop", ("web",), s.Command("ssm", "./deploy"), late=s.LatePolicy.ROLL, drain=BY_PROOF)
    assert load(SMALL) == replace(base, overlap=s.Overlap.AUTO)


@pytest.mark.parametrize("work", ["{manual: }", "{local: {run: ./deploy}}"])
def test_drain_defaults_to_delay_without_a_probe(load: Load, work: str) -> None:
    by_timer = load(SMALL.replace(SSM, work))
    assert by_timer.drain == s.Drain()
    assert not by_timer.carrier
    assert load(SMALL.replace(SSM, work) + "drain: {witness: ssm}").drain == BY_PROOF


@pytest.mark.parametrize(
    ("written", "late"),
    [
        ("targets: all", s.LatePolicy.ROLL),
        ("late: leave", s.LatePolicy.LEAVE),
        ("targets: {tag: {Role: web}}", s.LatePolicy.LEAVE),
        ("targets: {tag: {Role: web}}\nlate: roll", s.LatePolicy.ROLL),
        ("targets: [web-1]", s.LatePolicy.LEAVE),
    ],
)
def test_late_defaults_to_roll_for_all_targets(load: Load, written: str, late: s.LatePolicy) -> None:
    assert load(SMALL + written).late is late


def test_late_roll_needs_a_rule_for_targets(load: Load) -> None:
    assert refused(load, SMALL + "targets: [web-1]\nlate: roll") == [
        "katakei.yml:5: late: roll needs targets: all or {tag: {Role: web}}; a list of targets cannot include a new one"
    ]
    assert config.without_file("web", "./deploy", Overrides(only=("i-1",))).late is s.LatePolicy.LEAVE
    assert config.without_file("web", "./deploy", NOTHING).late is s.LatePolicy.ROLL


def test_without_file_has_the_default_drain() -> None:
    assert config.without_file("web", "./deploy", NOTHING).drain == BY_PROOF
    assert config.without_file("web", None, NOTHING).drain == s.Drain()


def test_revert_may_be_another_kind_of_work(load: Load) -> None:
    spec = load(f"{SMALL}on_failure: {{then: revert}}\nrevert: {{local: {{argv: [./undo]}}}}\n")
    assert (spec.revert, spec.on_failure.then) == (s.Command("local", argv=("./undo",)), s.AfterFailure.REVERT)
    assert load(f"{SMALL}revert: {{manual: }}\n").revert == s.Command("manual")


def test_then_revert_needs_a_revert_command(load: Load) -> None:
    assert refused(load, f"{SMALL}on_failure:\n  then: revert\n") == [
        'katakei.yml:5: on_failure.then: revert needs a command: write revert: {ssm: {run: "./revert"}}'
    ]


def test_env_accepts_values_parameters_and_secrets(load: Load) -> None:
    ssm = load(SMALL.replace("./deploy}", "./deploy, env: {B: {ssm_parameter: /app/db}, A: hello}}"))
    local = load(SMALL.replace(SSM, "{local: {run: ./deploy, env: {A: {secret: TOKEN}}}}"))
    assert ssm.work.env == (s.Variable("A", "hello"), s.Variable("B", ssm_parameter="/app/db"))
    assert local.work.env == (s.Variable("A", None, "TOKEN"),)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("{ssm: {run: x, env: {A: {secret: B}}}}", "work.ssm.env.A: Run Command would show the value of a secret"),
        (
            "{ssm: {run: x, env: {A: {ssm_parameter: 'a b'}}}}",
            "work.ssm.env.A: 'a b' is not the name of an SSM parameter",
        ),
        ("{ssm: {run: x, env: {A: {vault: b}}}}", "work.ssm.env.A: {'vault': 'b'} is not a value of a variable"),
        ("{ssm: {run: x, env: {A: 80}}}", "work.ssm.env.A: 80 is not a value of a variable; write text in quotes"),
        ('{ssm: {run: x, env: {A: "\\0"}}}', "work.ssm.env.A: contains a NUL character"),
        ("{ssm: {run: x, env: {a: b}}}", "work.ssm.env.a: is not a variable name; use capital letters"),
        ("{ssm: {run: x, env: {PATH: /opt}}}", "work.ssm.env.PATH: would also change the programs that start the work"),
        ("{ssm: {run: x, env: {KATAKEI_X: b}}}", "work.ssm.env.KATAKEI_X: begins with KATAKEI_, which is reserved"),
        (
            "{local: {run: x, env: {A: {ssm_parameter: /a}}}}",
            "work.local.env.A: works only with work: ssm, where the target fetches it",
        ),
        ("{local: {run: x, env: {A: {secret: 'a b'}}}}", "work.local.env.A: 'a b' is not the name of an environment"),
        ("{manual: {env: {A: b}}}", "work.manual.env: is not a known key"),
        ('{ssm: {run: "a\\0b"}}', "work.ssm.run: contains a NUL character, which no command can carry; remove it"),
        ('{local: {run: "a\\0b"}}', "work.local.run: contains a NUL character"),
        ('{local: {argv: ["a\\0b"]}}', "work.local.argv[0]: contains a NUL character"),
    ],
)
def test_env_and_commands_refuse_invalid_values(load: Load, work: str, said: str) -> None:
    (fault,) = refused(load, SMALL.replace(SSM, work))
    assert fault.startswith(f"katakei.yml:3: {said}")


def test_drain_until_delay_is_accepted(load: Load) -> None:
    assert load(f"{SMALL}drain: {{until: delay}}").drain == s.Drain()


@pytest.mark.parametrize("fallback", [s.DrainUntil.PROOF, s.DrainUntil.ANSWERED, s.DrainUntil.DELAY])
def test_drain_until_requests_may_have_a_fallback(load: Load, fallback: s.DrainUntil) -> None:
    until = s.DrainUntil.REQUESTS
    assert load(f"{SMALL}drain: {{until: requests}}").drain == s.Drain(until=until, probe="ssm")
    drain = load(f"{SMALL}drain: {{until: [requests, {fallback.value}]}}").drain
    assert drain == s.Drain(until=until, probe="ssm", fallback=fallback)


def test_counter_may_be_the_fallback_of_requests(load: Load) -> None:
    drain = load(f"{SMALL}drain: {{until: [requests, counter], quiet: 2s, counter: {{command: x}}}}").drain
    assert (drain.fallback, drain.counter) == (s.DrainUntil.COUNTER, s.CounterSource("x"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{url: 'http://127.0.0.1/fpm?json', field: in_flight}", s.CounterSource("", URL, "in_flight")),
        ("{command: ./in-flight}", s.CounterSource("./in-flight")),
    ],
)
def test_counter_is_a_url_or_a_command(load: Load, written: str, meant: s.CounterSource) -> None:
    drain = load(f"{SMALL}drain: {{until: counter, quiet: 2s, cut_after: 2m, counter: {written}}}").drain
    minutes, seconds = timedelta(minutes=2), timedelta(seconds=2)
    assert drain == s.Drain(until=s.DrainUntil.COUNTER, quiet=seconds, probe="ssm", counter=meant, cut_after=minutes)


def test_load_reads_every_key(load: Load) -> None:
    spec = load("""
service: shop
balancer: {alb: {target_groups: [web, "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/2"]}}
targets: {tag: {Role: web, App: shop}}
window: {max_unavailable: 25%, floor: 3, floor_per_zone: 1, order: listed}
drain: {settle: 1m30s, until: delay}
work: {manual: }
check: {http: {path: "/up?full=1", expect: "200-299,304", port: 8080}, within: 2h}
warm: {soak: 0s}
limits: {draining: 10m, working: 1h, warming: 90s, waiting: 5m}
on_failure: {max_failures: 2, then: stop, failed_target: put_back}
""")
    assert spec == s.Spec(
        service="shop",
        groups=("web", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/2"),
        work=s.Command("manual"),
        targets=s.Selection(tags=(("App", "shop"), ("Role", "web"))),
        window=s.Window(s.Share(percent=25), s.Share(count=3), 1, s.TargetOrder.LISTED),
        drain=s.Drain(timedelta(seconds=90)),
        check=s.Check(s.HttpCheck("/up?full=1", "200-299,304", 8080), timedelta(hours=2)),
        soak=timedelta(),
        overlap=s.Overlap.AUTO,
        limits=s.Limits(timedelta(minutes=10), False, *(timedelta(seconds=n) for n in (3600, 90, 300))),
        on_failure=s.OnFailure(2, s.FailedTargetPolicy.PUT_BACK),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{soak: 10s}", s.Overlap.AUTO),
        ("{overlap: auto}", s.Overlap.AUTO),
        ("{overlap: never}", s.Overlap.NEVER),
    ],
)
def test_soaks_overlap_unless_written_otherwise(load: Load, written: str, meant: s.Overlap) -> None:
    assert load(f"{SMALL}warm: {written}\n").overlap is meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [("all", s.Selection()), ("[i-1, web-2]", s.Selection(only=("i-1", "web-2")))],
)
def test_targets_are_all_or_a_list(load: Load, written: str, meant: s.Selection) -> None:
    assert load(f"{SMALL}targets: {written}").targets == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{local: {run: ./deploy $KATAKEI_TARGET}}", s.Command("local", "./deploy $KATAKEI_TARGET")),
        ("{local: {argv: [cap, production, deploy]}}", s.Command("local", argv=("cap", "production", "deploy"))),
    ],
)
def test_local_work_is_text_or_argv(load: Load, written: str, meant: s.Command) -> None:
    assert load(SMALL.replace(SSM, written)).work == meant


@pytest.mark.parametrize("drain", ["{until: proof}", "{until: proof, witness: work}"])
def test_probe_needs_an_executor_on_the_targets(load: Load, drain: str) -> None:
    (line,) = refused(load, SMALL.replace(SSM, "{manual: }") + f"drain: {drain}")
    assert line.startswith("katakei.yml:4: drain.until: proof runs a probe on the targets, which needs work: ssm or")


def test_check_none_sends_no_check(load: Load) -> None:
    assert load(f"{SMALL}check: none").check == s.Check(asked=False)


@pytest.mark.parametrize(("written", "extra"), [("delay", 0), ("delay+90s", 90), ("delay+1m30s", 90)])
def test_draining_limit_may_include_the_delay(load: Load, written: str, extra: int) -> None:
    limits = load(f"{SMALL}limits: {{draining: {written}}}").limits
    assert (limits.draining_from_delay, limits.draining_extra) == (True, timedelta(seconds=extra))


EVERYTHING_WRONG = """\
service: "la ravel"
balanser: {alb: {target_groups: [x]}}
targets: []
window: {max_unavailable: 0, floor: 150%, floor_per_zone: -1, order: zones, flor: 2}
drain: {settle: 30, until: counter, quiet: 5s, witness: work, cut_after: 2m}
drain: {settle: 30s}
work:
  ssm: {run: ""}
  local: {run: ""}
check: {http: {expect: 2000, port: 0, path: health}, within: 0s}
warm: {soak: }
limits: {draining: delay-60s, working: 15, warmin: 1m}
on_failure: {max_failures: x, then: revert, failed_target: keep}
revert: {release: {path: /srv}, ssm: {run: x, env: {D: }}}
"""


def test_load_reports_every_fault_with_its_line(load: Load) -> None:
    assert refused(load, EVERYTHING_WRONG) == [
        "katakei.yml:1: service: must be 1 to 128 characters of A-Z a-z 0-9 . _ / @ : + -",
        "katakei.yml:1: balancer: is missing; write balancer: {alb: {target_groups: [NAME]}}",
        "katakei.yml:2: balanser: is not a known key; did you mean balancer?",
        "katakei.yml:3: targets: must be all, a list of ids or names, or {tag: {Role: web}}",
        "katakei.yml:4: window.max_unavailable: must allow at least one target to be out; write 1 or more",
        "katakei.yml:4: window.floor: '150%' is neither a number nor a percentage; write 1 or 50%",
        "katakei.yml:4: window.floor_per_zone: should be greater than or equal to 0; it is -1",
        "katakei.yml:4: window.order: zones is not a known value; write zone or listed",
        "katakei.yml:4: window.flor: is not a known key; did you mean floor?",
        "katakei.yml:5: drain.until: counter needs a source; write counter: {url: http://127.0.0.1/status}",
        "katakei.yml:5: drain.settle: 30 is not a duration; write 30s",
        "katakei.yml:6: drain: appears twice (also in line 5); keep one of them",
        "katakei.yml:7: work: has 2 kinds of work; write exactly one of ssm, ssh, release, ec2, local, manual",
        "katakei.yml:8: work.ssm.run: is empty; write something or remove it",
        "katakei.yml:9: work.local.run: is empty; write something or remove it",
        "katakei.yml:10: check.http.path: must be a path like /health",
        "katakei.yml:10: check.http.expect: 2000 is not an HTTP status code; write 200, 200-299 or 200,204",
        "katakei.yml:10: check.http.port: should be greater than or equal to 1; it is 0",
        "katakei.yml:10: check.within: a limit must be longer than 0s; write 1m, for example",
        "katakei.yml:11: warm.soak: has no value; write one or remove the line",
        "katakei.yml:12: limits.draining: 'delay-60s' is not a duration; write 30s, 1m30s or 2h, or delay+60s",
        "katakei.yml:12: limits.working: 15 is not a duration; write 15s",
        "katakei.yml:12: limits.warmin: is not a known key; did you mean warming?",
        "katakei.yml:13: on_failure.max_failures: must be a whole number",
        "katakei.yml:13: on_failure.failed_target: keep is not a known value; write keep_out or put_back",
        (
            "katakei.yml:14: revert.release: is not needed: work: release goes back to the release before by itself;"
            " remove it"
        ),
        "katakei.yml:14: revert.ssm.env.D: has no value; write one or remove the line",
        "katakei.yml:14: revert: has 2 kinds of work; write exactly one of ssm, ssh, release, ec2, local, manual",
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("work2: 1", "katakei.yml:4: work2: is not a known key; did you mean work?"),
        ("zzz: 1", "katakei.yml:4: zzz: is not a known key; known keys: after, balancer, before, check, "),
        ("check: 3", "katakei.yml:4: check: must be none, or {http: "),
        ("check: [x]", "katakei.yml:4: check: must be none, or {http: "),
        ("drain: {until: [proof], quiet: 5s}", "katakei.yml:4: drain.until: [proof] is not a known value; write proof"),
        ("drain: {until: [requests]}", "katakei.yml:4: drain.until: [requests] is not a known value; write proof"),
        ("drain: {until: [proof, delay]}", "katakei.yml:4: drain.until: [proof, delay] is not a known value"),
        ("drain: {until: [requests, requests]}", "katakei.yml:4: drain.until: [requests, requests] is not a known"),
        ("drain: {until: [requests, proof, delay]}", "katakei.yml:4: drain.until: [requests, proof, delay] is not"),
        ("drain: {until: [requests, 1]}", "katakei.yml:4: drain.until: [requests, 1] is not a known value"),
        ("drain: {until: []}", "katakei.yml:4: drain.until: [] is not a known value"),
        ("drain: {until: requests, quiet: 2s}", "katakei.yml:4: drain.quiet: has an effect only with until: answered"),
        ("drain: {until: [requests, counter]}", "katakei.yml:4: drain.until: counter needs a source"),
        ("drain: {witness: {a: b}}", "katakei.yml:4: drain.witness: {a: b} is not a known value; write work"),
        ("check: {http: {}}", "katakei.yml:4: check.http.path: is missing; write path: /health"),
        (
            "check: {http: {path: /, expect: 299-200}}",
            "katakei.yml:4: check.http.expect: '299-200' is a range in the wrong order; write",
        ),
        ("targets: {tag: {}}", "katakei.yml:4: targets.tag: is empty; name at least one"),
        ("targets: {tag: {Role: 1}}", "katakei.yml:4: targets.tag.Role: must be text; put it in quotes"),
        ("targets:\n- a\n- 1", "katakei.yml:6: targets[1]: must be text; put it in quotes"),
        ("targets: some", "katakei.yml:4: targets: must be all, a list"),
        ("window: []", "katakei.yml:4: window: must be keys with values; known keys: floor"),
        (
            "drain: {quiet: 5s}",
            "katakei.yml:4: drain.quiet: has an effect only with until: answered or counter; remove",
        ),
        ("drain: {until: counter}", "katakei.yml:4: drain.until: counter needs a source; write counter: "),
        (
            "drain: {counter: {command: x}}",
            "katakei.yml:4: drain.counter: has an effect only with until: counter; remove",
        ),
        ("drain: {until: counter, counter: {url: x}}", "katakei.yml:4: drain.counter.url: must be a URL like http://"),
        ("drain: {until: counter, counter: {}}", "katakei.yml:4: drain.counter: write exactly one of url: "),
        (
            "drain: {until: delay, witness: ssm}",
            "katakei.yml:4: drain.witness: has an effect only with until: proof, answered",
        ),
        (
            "drain: {until: delay, cut_after: 2m}",
            "katakei.yml:4: drain.cut_after: has an effect only with until: proof",
        ),
        ("drain: {cut_after: 29s}", "katakei.yml:4: drain: cut_after must not be shorter than settle"),
        ("drain: {settle: 1.5s}", "katakei.yml:4: drain.settle: '1.5s' is not a duration; write 30s, 1m30s or 2h"),
        ("service: !!python/object x", "katakei.yml:4: service: appears twice (also in line 1)"),
        ("warm: {soak: !secret 3s}", "katakei.yml:4: warm.soak: the tag !secret is not supported; write"),
    ],
)
def test_load_reports_one_fault_in_one_line(load: Load, more: str, said: str) -> None:
    (line,) = refused(load, SMALL + more)
    assert line.startswith(said)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("{}", "work: has no kinds of work"),
        ("{ssm: {run: x}, manual: }", "work: has 2 kinds of work"),
        ("{ssm: }", "work.ssm: has no value"),
        ("{ssm: {}}", "work.ssm.run: is missing"),
        ("{manual: {run: x}}", "work.manual.run: is not a known key"),
        (
            "{ec2: {action: reboot, run: x}}",
            "work.ec2.run: is not a known key; known keys: action, by, instance_type, ssh",
        ),
        (
            "{release: {path: /a, source: {folder: x, git: 'git@host:shop.git'}}}",
            "work.release.source.folder: is not supported yet in this version; put the archive where the target finds",
        ),
        ("{local: }", "work.local: has no value"),
        ("{local: {}}", "work.local: write exactly one of run: "),
        ("{local: {run: x, argv: [x]}}", "work.local: write exactly one of run: "),
        ("{local: {argv: []}}", "work.local.argv: is empty"),
        ("{local: {argv: [deploy, 3]}}", "work.local.argv[1]: must be text; put it in quotes"),
        ("ssm", "work: must be keys with values; known keys: ec2, local, manual, release, ssh, ssm"),
    ],
)
def test_work_is_exactly_one_kind(load: Load, work: str, said: str) -> None:
    (line,) = refused(load, SMALL.replace(SSM, work))
    assert line.startswith(f"katakei.yml:3: {said}")


def test_load_names_missing_keys_of_an_empty_file(load: Load) -> None:
    assert [line.split(": ")[1] for line in refused(load, "")] == ["service", "balancer", "work"]


def test_load_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes(b"service: caf\xe9")
    for name, said in [("none.yml", "No such file"), ("latin.yml", "UTF-8")]:
        with pytest.raises(UsageError, match=said):
            config.load(tmp_path / name, NOTHING)


def test_overrides_replace_targets_and_group(tmp_path: Path) -> None:
    (tmp_path / "katakei.yml").write_text(f"{SMALL}targets: {{tag: {{a: b}}}}")
    spec = config.load(tmp_path / "katakei.yml", Overrides(only=("i-1",), target_group="api"))
    assert (spec.targets, spec.groups) == (s.Selection(only=("i-1",)), ("api",))


ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"


@pytest.mark.parametrize("group", ["web", ARN])
def test_without_file_names_the_service_by_its_group(group: str) -> None:
    spec = config.without_file(group, "./deploy", Overrides(only=("i-1",)))
    base = s.Spec("web", (group,), s.Command("ssm", "./deploy"), s.Selection(only=("i-1",)), drain=BY_PROOF)
    assert spec == replace(base, overlap=s.Overlap.AUTO)
    assert config.without_file(group, None, NOTHING).work == s.Command("manual")


@pytest.mark.parametrize(("group", "run"), [("web", " "), ("", "x"), ("two words", "x")])
def test_without_file_refuses_invalid_values(group: str, run: str) -> None:
    with pytest.raises(UsageError):
        config.without_file(group, run, NOTHING)


@given(st.from_regex(defaults.NAME, fullmatch=True))
def test_release_accepts_harmless_characters(text: str) -> None:
    assert config.release(text) == text


@pytest.mark.parametrize("text", ["", "a b", "v1\n", "$(id)", "v1;id", "é", "x" * 129, "٣"])
def test_release_refuses_characters_of_the_shell(text: str) -> None:
    with pytest.raises(UsageError, match="the release"):
        config.release(text)


@given(st.integers(0, 2000), st.integers(0, 59), st.integers(0, 59))
def test_span_reads_hours_minutes_and_seconds(hours: int, minutes: int, seconds: int) -> None:
    assert field_types.span(f"{hours}h{minutes}m{seconds}s") == timedelta(hours=hours, minutes=minutes, seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "s", "1", "1s1m", "-1s", "1 s", "1d", "1s ", "\uff11s", 1, True, None, 1.5, "9999999s"]
)
def test_span_refuses_other_text(value: object) -> None:
    with pytest.raises(ValueError, match="is not a duration; write"):
        field_types.span(value)


def test_published_schema_is_up_to_date() -> None:
    text = json.dumps(schema.schema(), indent=2, ensure_ascii=False) + "\n"
    assert SCHEMA.read_text() == text, "run: python -m katakei.config.schema > docs/katakei.schema.json"


def test_config_imports_pydantic_only_to_read_files() -> None:
    code = (
        "import sys; from katakei import config; config.release('v1'); "
        "config.without_file('web', None, config.Overrides()); "
        "sys.exit(bool({'pydantic', 'ruamel'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
