"""The list of rollouts: what `list` prints, for a person and for a program.

The result of a finished rollout is in upper case; an unfinished one shows its phase in lower case.
"""

from collections.abc import Sequence
from datetime import datetime

from katakei.domain.overview import Driver, ListedRollout
from katakei.domain.phases import Phase
from katakei.domain.ports import Liveness
from katakei.domain.replay import Rollout
from katakei.domain.results import result
from katakei.render import switch
from katakei.render.json_data import Plain, output, plain
from katakei.render.local_time import local_minute, zones
from katakei.render.recap import lasted
from katakei.render.text import grid
from katakei.render.translation import ENGLISH, Translator

_LATEST_FIRST = (
    Phase.SOAKING,
    Phase.WARMING,
    Phase.CHECKING,
    Phase.WORKING,
    Phase.OUT,
    Phase.RETURNING,
    Phase.DRAINING,
)


def list_text(rollouts: Sequence[ListedRollout], limit: int, now: datetime, tr: Translator = ENGLISH) -> str:
    """Where the rollouts are, and a table with one line for each of the newest.

    Args:
        rollouts: All of them, newest first.
        limit: How many were read back.
        now: The time.
        tr: The language of the reader.
    """
    if not rollouts:
        return tr("no rollouts in this journal")
    shown, older = rollouts[:limit], len(rollouts[limit:])
    names = zones([each.header.begun for each in shown])
    zone = names.pop() if len(names) == 1 else ""
    started = f"{tr('STARTED')} ({zone})" if zone else tr("STARTED")
    heads = (tr("ROLLOUT"), tr("SERVICE"), tr("RELEASE"), tr("RESULT"), started, tr("TOOK"), tr("BY"))
    places = tr.listed(sorted({place for each in rollouts for place in _places(each, tr)}))
    table = grid(heads, [_row(each, now, zone, tr) for each in shown])
    more = [tr("and {older} more: katakei list --limit {all}", older=older, all=len(rollouts))] if older else []
    return "\n".join([tr("rollouts in {places}", places=places), "", table, *more])


def list_data(rollouts: Sequence[ListedRollout]) -> Plain:
    """The output `list`. Result, release, phase and driver are null where a rollout was not read back."""
    return output("list", rollouts=[_data(each) for each in rollouts])


def list_facts(rollouts: Sequence[ListedRollout], tr: Translator = ENGLISH) -> dict[str, str]:
    """What `list` says, by rollout: its result or phase, and who drives it."""
    return {
        each.header.rollout: tr(
            "{outcome}, by {who}", outcome=_outcome(each.state, tr), who=_by(each.state, each.driver, tr)
        )
        for each in rollouts
        if each.state
    }


def _outcome(state: Rollout, tr: Translator) -> str:
    ended = result(state)
    if ended is None and state.traffic:
        return tr.of(switch.PHASES[phase(state)])
    return tr.name(ended).upper() if ended else tr.word("Phase", phase(state))


def _row(each: ListedRollout, now: datetime, zone: str, tr: Translator) -> tuple[str, ...]:
    header, state = each.header, each.state
    started = local_minute(header.begun).removesuffix(f" {zone}")
    names = header.rollout, _short(header.service)
    if state is None:
        return (*names, "", tr("unreadable"), started, "", header.who)
    took = tr.span(lasted(state, now))
    return (
        *names,
        state.plan.release,
        _outcome(state, tr),
        started,
        took if state.finished else tr("{took} so far", took=took),
        _by(state, each.driver, tr),
    )


def phase(rollout: Rollout) -> str:
    """What an unfinished rollout does now, in one word."""
    if rollout.traffic:
        return switch.phase(rollout, rollout.traffic)
    if rollout.aborting:
        return "aborting"
    if rollout.paused:
        return "paused"
    if rollout.reverting:
        return "reverting"
    return next((each.value for each in _LATEST_FIRST if rollout.by_phase[each]), Phase.WAITING.value)


def _by(rollout: Rollout, driver: Driver | None, tr: Translator) -> str:
    """Who drives it now; of a finished rollout, who drove it last."""
    owner = driver.owner if driver else None
    name = f"{owner.user}@{owner.host}" if owner else rollout.plan.who
    if rollout.finished or (driver and driver.liveness is Liveness.ALIVE):
        return name
    gone = driver is None or driver.liveness is Liveness.GONE
    return tr("nobody ({name} is gone)" if gone else "{name} (silent)", name=name)


def _data(each: ListedRollout) -> dict[str, Plain]:
    header, state = each.header, each.state
    ended = result(state) if state else None
    alive = each.driver is not None and each.driver.liveness is Liveness.ALIVE
    return output(
        "listed",
        rollout=header.rollout,
        service=header.service,
        groups=[*header.groups],
        begun=plain(header.begun),
        finished=plain(header.finished),
        who=header.who,
        release=state.plan.release if state else None,
        result=ended.value if ended else None,
        phase=phase(state) if state and not ended else None,
        driver=str(each.driver.owner) if each.driver and alive else None,
    )


def _places(each: ListedRollout, tr: Translator) -> list[str]:
    parts = [arn.split(":") for arn in each.header.groups]
    return [tr("{region}, account {account}", region=part[3], account=part[4]) for part in parts if len(part) > 5]


def _short(service: str) -> str:
    """A service that has no name of its own is named by its group; of an ARN the name is enough."""
    return service.partition(":targetgroup/")[2].partition("/")[0] or service
