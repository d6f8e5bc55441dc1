"""Sentences for reasons: one English template for each code of domain and reconcile, and the filling in.

Other languages have templates of the same codes and placeholders (`katakei.render.japanese`).

A sentence starts in lower case and has no full stop, so that it can follow "i-0abc (web1): ". Only here does a reason
meet the name of a command.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Formatter
from types import MappingProxyType

from katakei.domain.reasons import Reason, ReasonCode, ReasonValue
from katakei.render import access_reasons, plan_reasons, traffic_reasons
from katakei.render.local_time import local_minute
from katakei.render.text import counted, one_line
from katakei.render.translation import ENGLISH, Translator

_C = ReasonCode

SENTENCES: Mapping[ReasonCode, str] = MappingProxyType(
    {
        _C.RECORDED_TEXT: "{text}",
        _C.THEN: "{first}; {why}",
        _C.TARGET_WAITS: "{target}{name:in brackets}: {why}{others:more}",
        _C.FINISHED: "finished",
        _C.NOTHING_IN_PROGRESS: "nothing is in progress",
        _C.ACTING: "acting on {targets}",
        _C.ABORTED: "aborted by {by}",
        _C.REVERTED: "reverted by {by}",
        _C.REVERTED_BEFORE_TURN: "{by} reverted the rollout before this target was taken out",
        _C.TOO_MANY_FAILURES: "the rollout stopped: {failures:target} failed, {allowed} allowed",
        _C.TOO_MANY_REVERT_FAILURES: "the revert stopped: it failed on {failures:target}, {allowed} allowed",
        _C.PAUSED: "paused by {by} for {waited:span}; to go on, run: katakei resume {rollout}",
        _C.GATE_DENIED: "{by} denied the gate {gate}",
        _C.APPROVAL_EXPIRED: "nobody answered the gate {gate} in time",
        _C.GATE_PENDING: (
            "waiting for an answer to the gate {gate} for {waited:span}{expires:until}{default:expiry};"
            " to approve it, run: katakei approve {rollout} --gate {gate}{others:more gates}"
        ),
        _C.FROZEN: "{name:group name} is frozen by {by}{since:since moment}{until:until}{why:after colon}",
        _C.FREEZES_NOT_READ: "the freezes in the journal have not been read in the last 10 seconds",
        _C.GATE_HOLDS: (
            "the gate {gate} has held the rollout for {waited:span}{why:after colon}; to skip it, run:"
            " katakei promote {rollout} --skip-gate {gate} --reason TEXT"
        ),
        _C.GATE_WITHOUT_DATA: (
            "the gate {gate} has had no current data for {waited:span}{why:after colon}; to skip it, run:"
            " katakei promote {rollout} --skip-gate {gate} --reason TEXT"
        ),
        _C.GATE_FAILED: "the gate {gate} stopped the rollout{why:after colon}",
        _C.HOURS_CLOSED: "it is outside of the hours in {zone}{until:until}",
        _C.GATE_REPORT: "{text}",
        _C.WAVE_PAUSE: (
            "wave {wave} of {waves} has been over for {waited:span}; the next one begins in {left:span}, or at once by:"
            " katakei promote {rollout}"
        ),
        _C.LIMIT_REACHED: "left for a later rollout: this one was limited to {limit:target}",
        _C.NEXT_TARGET_WAITS: "{target}{name:in brackets} is next and has waited for {waited:span}: {why}",
        _C.WAITED_TOO_LONG: "skipped because it waited longer than limits.waiting: {why}",
        _C.PLACE_PENDING: "it has not answered yet where it keeps the record of its work; it stays in service",
        _C.BASELINE_PENDING: "the probe counts its connections before it leaves service{why:in brackets}",
        _C.PROBE_SILENT: "the probe did not answer",
        _C.PROBE_BLIND: "{text}",
        _C.ATTRIBUTES_NOT_READ: "the attributes of {group} have not been read in the last minute",
        _C.GROUP_CHANGED: "{group} differs from the plan: {changes}",
        _C.ATTRIBUTE_CHANGED: "{attribute} was {was}, is {now}",
        _C.LISTENER_REMOVED: "no listener forwards to it any more",
        _C.GROUP_NOT_OBSERVED: "{group} has not been observed in the last 10 seconds",
        _C.GROUP_FLOOR: "{serving} of {group} would serve, the floor is {floor}",
        _C.ZONE_FLOOR: "{serving} of {group} would serve in {zone}, its floor is {floor}",
        _C.OVERLAP_NEEDS_SERVICE: "only a target that is in service may drain while another one soaks",
        _C.TOO_FEW_PROVEN: (
            "{proven} of {group} would be proven to serve, and {floor} are needed while another target soaks"
        ),
        _C.ZONE_TOO_FEW_PROVEN: (
            "{proven} of {group} would be proven to serve in {zone}, and {floor} are needed while another target soaks"
        ),
        _C.SOAK_AWAITED: (
            "drained; its work waits for the soak of {target}{name:in brackets}: {waited:span} so far,"
            " {left:span} left, {limit:span} at most"
        ),
        _C.OVERLAP_ENDED: "it went back before its work, which rested on the soak of {target}{name:in brackets}: {why}",
        _C.OVERLAP_PAUSED: "{by} paused the rollout",
        _C.OVERLAP_INTERRUPTED: "the rollout was interrupted",
        _C.SOAK_BROKEN: "that target did not stay in service",
        _C.SOAK_RESTARTED: "that soak began again and takes {left:span} more",
        _C.SOAK_NOT_OBSERVED: "that soak should have ended {waited:span} ago, and no observation shows it",
        _C.KEPT_FOR_OVERLAP: "{why:before semicolon}it stays until {target}{name:in brackets} is back in service",
        _C.DEREGISTERED_ELSEWHERE: "skipped because somebody else deregistered it",
        _C.DRAINING_ELSEWHERE: "skipped because somebody else is deregistering it",
        _C.MACHINE_STOPPED: "skipped because AWS reports it as {health}",
        _C.GROUP_DELETED: "somebody deleted the target group {groups}",
        _C.HEALTH: "{state}{description:in brackets}{overridden:override}",
        _C.DEREGISTER_PENDING: "waiting for the deregister call to return, for {waited:span}",
        _C.DEREGISTERED_NOT_OBSERVED: "deregistered, but not observed since{text:after colon} (for {waited:span})",
        _C.DEREGISTERED_STILL_IN_SERVICE: "deregistered {waited:span} ago, but AWS still reports {health}",
        _C.DEREGISTER_BLOCKED: "it cannot be deregistered now, for {waited:span}: {why}",
        _C.DEREGISTER_NOT_SENT: "it went back because no call to deregister it returned within {waited:span}",
        _C.SETTLING: "out of service for {waited:span}; new requests may still arrive, settle ends in {left:span}",
        _C.DRAINING: (
            "draining for {waited:span}; {probe:before semicolon}"
            "the load balancer's timer of {delay:span} ends in {left:span}"
        ),
        _C.PROBE_REPORT: "{text}",
        _C.QUIET_BUT_GROUP_CHANGED: (
            "the probe saw no pending request, which does not count because its group was changed ({changes})"
        ),
        _C.QUIET_BUT_ATTRIBUTES_NOT_READ: (
            "the probe saw no pending request, which counts once the group's attributes are read"
        ),
        _C.DRAIN_TIMEOUT: "still draining after {waited:span}",
        _C.REGISTERED_ELSEWHERE: "somebody else registered it twice while this rollout held it out of service",
        _C.FLOOR_LOST: "it went back before its work because a floor was no longer kept: {why}",
        _C.RETURNED_FOR_FREEZE: "it went back before it was deregistered: {why}",
        _C.DEREGISTERED_BY_HAND: "deregistered by hand",
        _C.DEREGISTERED_BY_HAND_WITHOUT_WAIT: "deregistered by hand without waiting for the drain",
        _C.WORK_STARTING: "starting the work for {waited:span}{text:in brackets}",
        _C.WORK_RESTARTING: "starting the work again for {waited:span}, it has not begun{text:in brackets}",
        _C.WORK_RUNNING: "the work has been running for {waited:span}",
        _C.OF_STEP: "step {step}: {why}",
        _C.WORK_HALFWAY: "the work has been running for {waited:span} and needs another call{text:in brackets}",
        _C.WORK_NOT_OBSERVED: "it is unknown whether the work runs, for {waited:span} ({text:or no answer yet})",
        _C.WORK_NOT_OBSERVED_AFTER_STOP: "{why}; it is unknown whether the work has begun, for {waited:span}",
        _C.WORK_ENDED: "the work has ended",
        _C.WORK_FAILED: "the work ended with exit code {exit}{text:in brackets}",
        _C.WORK_REFUSED: "the work was refused and did nothing: {text:or no reason}",
        _C.WORK_INTERRUPTED: "{text:or interrupted}",
        _C.WORK_OVERDUE: "the work {state:work state} after {waited:span}",
        _C.WORK_CANCELING: "{why}; canceling it",
        _C.WORK_FORBIDDING: "{why}; preventing it from starting",
        _C.WORK_MAY_RUN: "{why}; it may still be running, so nothing else is started",
        _C.APPROVAL_PENDING: (
            "ready for manual work for {waited:span}; when it is done, run: katakei approve {rollout} {target}"
        ),
        _C.NOT_APPROVED: "the work was not approved",
        _C.ABORTED_BEFORE_APPROVAL: "aborted by {by} before the work was approved",
        _C.IN_SERVICE_BEFORE_CHECK: "in service before its check passed, for {waited:span}; deregistering it again",
        _C.CHECK_PENDING: "checking for {waited:span}: {text:or no answer yet}",
        _C.CHECK_FAILED: "the check did not pass within {within:span}: {text:or no answer yet}",
        _C.ADDRESS_STILL_DRAINING: (
            "still draining for {waited:span}; AWS accepts an IP target again only when it is no longer registered"
        ),
        _C.BATCH_PENDING: "its check has passed; waiting for {waited:span} to be registered with others in one call",
        _C.REGISTER_PENDING: "waiting for the register call to return, for {waited:span}",
        _C.REGISTERED_NOT_OBSERVED: "registered, but not observed since{text:after colon} (for {waited:span})",
        _C.REGISTERED_NOT_SERVING: "registered {waited:span} ago, AWS reports {health}",
        _C.SERVING_ONCE: "{health}; it counts as in service after one more observation, in {left:span}",
        _C.REGISTRATION_REPEATED: (
            "the load balancer rejected its registration; the call is repeated for {waited:span}, at most {limit:span}:"
            " {text}"
        ),
        _C.REGISTRATION_REJECTED: "the load balancer rejected its registration: {text}",
        _C.RETURN_REJECTED: "the load balancer rejected its registration when it was to go back: {text}",
        _C.WARMING_TIMEOUT: "not in service {waited:span} after it was registered: {health}",
        _C.RETURN_TIMEOUT: "registered again, but not in service after {waited:span}: {health}",
        _C.SOAKING: "{health}, soaking ends in {left:span}",
        _C.SOAKING_NOT_OBSERVED: "soaking, but not observed recently{text:after colon} (for {waited:span})",
        _C.SOAKING_UNHEALTHY: "became unhealthy while soaking for {waited:span}: {health}",
        _C.SOAK_FAILED: "not steadily in service after soaking for {waited:span}, last reported {health}",
        _C.GROUPS_NOT_OBSERVED: "{why}; it stays in service until its groups have been observed",
        _C.KEPT_FOR_FLOOR: "{why}; it stays in service because the floor needs it",
        _C.LEFT_SERVICE: "left service after it was done: {why}",
        _C.LEFT_SERVICE_WAITING: (
            "left service {waited:span} ago, after it was done: {why}; no other target is started meanwhile"
        ),
        _C.LEFT_SERVICE_NOT_OBSERVED: (
            "left service {waited:span} ago, after it was done, and was not observed recently ({text:or no answer yet})"
        ),
        _C.HELD_SINCE: "out of service since rollout {rollout}",
        _C.HELD_WITHOUT_CHECK: (
            "out of service since rollout {rollout}, and without a check nothing shows that it can serve"
        ),
        _C.LATE_TARGETS_LEFT: "the configuration says `late: leave`",
        _C.MACHINE_TAKES_NO_PART: "its machine does not take part in the rollout",
        _C.TAGS_DIFFER: "its tags do not match `targets`",
        _C.CAME_AFTER_ROLLOUT: "it was registered after the rollout",
        _C.IN_OTHER_GROUPS: "it is registered in other groups too: {groups}",
        _C.NOT_WORKABLE: "it cannot be worked on: {text}",
        _C.JOURNAL_UNAVAILABLE: "{text} (retrying for {waited:span})",
        _C.JOURNAL_SLOW: (
            "{target}{name:in brackets}: its call was not sent {times:time} in a row"
            " because the journal took {took:span} to answer and the observation was too old by then"
            " (retrying for {waited:span})"
        ),
        _C.WORK_NOT_TAKEN: "{text} (the work has been refused for {waited:span}; limits.working ends this wait)",
        **traffic_reasons.SENTENCES,
        _C.UNAVAILABLE: "{text} (retrying for {waited:span}, at most {limit:span}; it goes on by itself)",
    }
)

WORK_STATES: Mapping[str, str] = MappingProxyType(
    {"running": "still runs", "not started": "has not started", "unknown": "cannot be observed"}
)
EXPIRY: Mapping[str, str] = MappingProxyType(
    {"abort": ", or the rollout is aborted", "pause": ", or the rollout is paused"}
)
DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "or no answer yet": "no answer yet",
        "or no reason": "the target gave no reason",
        "or none": "none",
        "or interrupted": "the work was interrupted; it is not started again automatically",
    }
)


def _until(value: ReasonValue, tr: Translator) -> str:
    return tr(" until {moment}", moment=local_minute(datetime.fromisoformat(str(value)))) if value else ""


def _since(value: ReasonValue, tr: Translator) -> str:
    return tr(" since {moment}", moment=local_minute(datetime.fromisoformat(str(value)))) if value else ""


def group_name(name: object) -> str:
    """The name of the target group whose ARN this is; the name of a service as it is."""
    text = one_line(str(name))
    return text.partition(":targetgroup/")[2].partition("/")[0] or text


def _more_gates(value: ReasonValue, tr: Translator) -> str:
    return tr(" (and {number:other gate})", number=value) if value else ""


FORMS: Mapping[str, Callable[[ReasonValue, Translator], str]] = MappingProxyType(
    {
        **plan_reasons.FORMS,
        **access_reasons.FORMS,
        "since moment": _since,
        "until": _until,
        "expiry": lambda value, tr: tr.of(EXPIRY[str(value)]),
        "group name": lambda value, _: group_name(value),
        "more gates": _more_gates,
    }
)

_TEMPLATES: Mapping[str, str] = MappingProxyType(
    dict(SENTENCES.items() | plan_reasons.SENTENCES.items() | access_reasons.SENTENCES.items())
)


TEXTS = frozenset({"text"})
"""The facts that are finished English sentences of adapters or of a journal."""


def sentence(reason: Reason | None, tr: Translator = ENGLISH) -> str:
    """The sentence of a reason.

    Args:
        reason: What domain, reconcile or planning gave, or what a journal holds. None gives ''.
        tr: The language of the reader; English for programs and the journal.

    Returns:
        One line. For a code that this version does not know (the journal of a newer one): the code with its facts.
    """
    if reason is None:
        return ""
    template = tr.catalog.reasons.get(reason.code) or _TEMPLATES.get(reason.code)
    if template is None:
        facts = ", ".join(f"{name} {_plain(value, tr)}" for name, value in reason.data)
        return one_line(f"{reason.code} ({facts})" if facts else reason.code)
    return template.format_map(_Facts({name: _fact(name, value, tr) for name, value in reason.data}, tr))


def _fact(name: str, value: ReasonValue, tr: Translator) -> "_Fact":
    return _Fact(tr.known(one_line(value)) if name in TEXTS and isinstance(value, str) else value, tr)


def placeholders(template: str) -> frozenset[str]:
    """The names of the facts that a template needs."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


class _Facts(dict[str, "_Fact"]):
    """The facts of one reason. A reason that an earlier version recorded has no facts that were added since."""

    def __init__(self, facts: Mapping[str, "_Fact"], tr: Translator) -> None:
        super().__init__(facts)
        self._tr = tr

    def __missing__(self, name: str) -> "_Fact":
        return _Fact(None, self._tr)


@dataclass(frozen=True, slots=True)
class _Fact:
    """A fact inside a template; the part after the colon of a placeholder says how it is written."""

    value: ReasonValue
    tr: Translator

    def __format__(self, form: str) -> str:  # noqa: PLR0911 - one return for each form
        tr, text = self.tr, _plain(self.value, self.tr)
        match form:
            case "":
                return text
            case "span":
                return tr.span(timedelta(seconds=float(text)))
            case "in brackets":
                return f" ({text})" if text else ""
            case "after colon":
                return f": {text}" if text else ""
            case "before semicolon":
                return tr("{text}; ", text=text) if text else ""
            case "more":
                return tr(" (and {number} more)", number=text) if self.value else ""
            case "override":
                return tr(", but an administrative override keeps traffic away") if self.value else ""
            case "work state":
                return tr.of(WORK_STATES[text])
            case _ if form in FORMS:
                return FORMS[form](self.value, tr)
            case _ if form in DEFAULTS:
                return text or tr.of(DEFAULTS[form])
            case _:
                return counted(int(text), form)


def _plain(value: ReasonValue, tr: Translator) -> str:
    if isinstance(value, Reason):
        return sentence(value, tr)
    if isinstance(value, tuple):
        words = [_plain(each, tr) for each in value]
        return tr("; ").join(words) if any(isinstance(each, Reason) for each in value) else tr.listed(words)
    return "" if value is None else one_line(str(value))
