"""The public Python API: its names, its signatures, what importing it costs, and the example in its docstring."""

import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from tests.properties.simulated_drivers import SimulatedDrivers
from tests.unit.app.fakes import SPEC, Stage

import katakei
from katakei import bootstrap
from katakei.domain.model import RolloutId
from katakei.domain.phases import Phase

SIGNATURES = {
    "Control.abort": "(rollout)",
    "Control.approve": "(rollout, names)",
    "Control.may_still_run": "(rollout, names, again)",
    "Control.pause": "(rollout)",
    "Control.resume": "(rollout)",
    "Control.retry": "(rollout, names, again)",
    "Control.revert": "(rollout)",
    "Control.unlock": "(name)",
    "Queries.events": "(rollout)",
    "Queries.groups": "(patterns)",
    "Queries.restore_lines": "(rollout)",
    "Queries.rollouts": "(service, newest)",
    "Queries.show": "(rollout)",
    "Queries.status": "(name)",
    "Queries.wait": "(rollout, within)",
    "Queries.work": "(rollout, names)",
    "RolloutSession.close": "(within)",
    "RolloutSession.interrupt": "(by)",
    "RolloutSession.step": "()",
    "RolloutSession.turns": "()",
    "RolloutSession.wake": "()",
    "Rollouts.open": "(request)",
    "Rollouts.plan": "(request)",
    "Rollouts.start": "(proposal)",
    "error_text": "(error, tr)",
    "load_config": "(path)",
    "manual_step": "(kind, group, targets, accepted, waits, all_groups)",
    "open_drivers": "(profile, region, journal, tell)",
    "sentence": "(reason, tr)",
}
FIELDS = {
    "Delegated": ["rollout", "why", "finished"],
    "NothingToDo": ["plan"],
    "Proposal": ["request", "plan", "restore_lines", "surveyed", "confirm_until", "lease", "restore_held"],
    "RolloutRequest": [
        "spec",
        "release",
        "accepted",
        "as_recorded",
        "kind",
        "waits",
        "all_groups",
        "accept_others",
        "who",
        "lock_wait",
        "limit",
        "only_outdated",
        "switch",
    ],
    "Turn": ["rollout", "written", "why", "whys", "now", "due", "outputs", "took"],
}
NAMES = {
    *(name.partition(".")[0] for name in SIGNATURES),
    *FIELDS,
    *("Drivers", "ExitCode", "KatakeiError", "LeaseHeldError", "LeaseLostError", "NoAnswerError", "Phase", "Plan"),
    *("PlanKind", "RefusedError", "Rollout", "Spec", "UnreachableError", "UsageError", "__version__"),
}


def test_public_names_are_declared() -> None:
    assert set(katakei.__all__) == NAMES
    assert set(dir(katakei)) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(katakei, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Whatever'"):
        katakei.Whatever  # type: ignore[attr-defined]  # noqa: B018 - that is the point


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_public_signature_is_pinned(name: str) -> None:
    owner, _, method = name.partition(".")
    called = getattr(getattr(katakei, owner), method) if method else getattr(katakei, owner)
    names = [each for each in inspect.signature(called).parameters if each != "self"]
    assert f"({', '.join(names)})" == SIGNATURES[name]


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_public_fields_are_pinned(name: str) -> None:
    kind = getattr(katakei, name)
    assert is_dataclass(kind)
    assert [each.name for each in fields(kind)] == FIELDS[name]


def test_stub_declares_the_same_names() -> None:
    stub = Path(katakei.__file__ or "").with_suffix(".pyi").read_text(encoding="utf-8")
    declared = dict(re.findall(r"^from ([\w.]+) import (\w+) as \2$", stub, re.MULTILINE))
    names = re.findall(r"^from [\w.]+ import (\w+) as \1$", stub, re.MULTILINE)
    assert {*names, "__version__"} == NAMES
    assert set(declared) == set(katakei._MODULES)  # type: ignore[attr-defined]  # the stub hides it


def test_import_katakei_imports_nothing_else() -> None:
    program = "import sys; import katakei; print(*(n for n in sys.modules if n.startswith('katakei.')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


def test_example_in_the_docstring_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage()

    @contextmanager
    def fakes(*, region: str) -> Iterator[SimulatedDrivers]:
        assert region == "ap-northeast-1"
        yield stage.drivers

    monkeypatch.setattr(bootstrap, "open_drivers", fakes)
    monkeypatch.setattr(bootstrap, "load_config", lambda path: SPEC if path == "katakei.yml" else None)
    (example,) = re.findall(r"\n\n((?:    .*\n|\n)+)\n", katakei.__doc__ or "")
    exec(textwrap.dedent(example), {})  # noqa: S102 - the documented program
    rollout = katakei.Queries(stage.drivers).show(RolloutId("r-new"))
    assert set(rollout.by_phase[Phase.DONE]) == set(stage.aws.targets)
    said = capsys.readouterr().out
    assert "soaking" in said
    assert said.rstrip().endswith("finished")
