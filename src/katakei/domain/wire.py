"""The wire names of everything that is recorded in a journal or printed as JSON.

The journal's codec and the JSON output use these names, never the names of Python classes and attributes. Renaming a
class or an attribute therefore changes no file on disk and no public output. A row reads: kind, then the wire name of
each field, in order; `attribute=name` where the attribute has another name in Python.

What is written here once is never changed or removed. A field that is added later states the version that added it
(`name@2`): the codec leaves it out while it has its default, so that an older version can still read the event.
`docs/schemas/` holds the same tables as JSON Schema, drawn by `make docs`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from katakei.domain import events as e
from katakei.domain import (
    freezes,
    gate_conditions,
    instances,
    leases,
    model,
    plan,
    ports,
    reasons,
    releases,
    spec,
    traffic,
)


@dataclass(frozen=True, slots=True)
class WireField:
    """One field on the wire.

    Attributes:
        attribute: Its name in Python.
        name: Its name on the wire.
        since: The version of events that added it.
    """

    attribute: str
    name: str
    since: int


@dataclass(frozen=True, slots=True)
class WireRecord:
    """One kind of record on the wire, with its fields in the order in which they are written.

    Attributes:
        since: The version of events that added it.
    """

    kind: str
    fields: tuple[WireField, ...]
    since: int = 1


def record(kind: str, names: str, since: int = 1) -> WireRecord:
    """A row of a wire table.

    Args:
        kind: The kind of the record.
        names: Its fields, as `name`, `attribute=name` or `name@version`.
        since: The version of events that added the whole record.
    """
    return WireRecord(kind, tuple(map(_field, names.split())), since)


def _field(written: str) -> WireField:
    names, _, since = written.partition("@")
    attribute, _, name = names.partition("=")
    return WireField(attribute, name or attribute, int(since or 1))


EVENTS: Mapping[type, WireRecord] = MappingProxyType(
    {
        e.Planned: record("Planned", "at plan"),
        e.OwnerChanged: record("Taken", "at owner marks revert_marks version@2"),
        e.TargetAdded: record("Joined", "at target takes_part why reason@2"),
        e.PhaseChanged: record("Moved", "at target to why intent cause reason@2 place@3 overlaps@5"),
        e.RevertDecided: record("RevertResolved", "at failures"),
        e.CommandAcknowledged: record("Heard", "at"),
        e.Interrupted: record("Interrupted", "at by"),
        e.Finished: record("Finished", "at"),
        e.Deregistered: record("Deregistered", "at group targets"),
        e.Registered: record("Registered", "at group targets"),
        e.Started: record("Started", "at key ticket"),
        e.WorkEnded: record("WorkEnded", "at key exit out cut@3"),
        e.WorkLost: record("WorkLost", "at key begun"),
        e.RegistrationRejected: record("TurnedDown", "at target why"),
        e.BaselineTaken: record("Baselined", "at target blind reason@2"),
        e.ObservedOut: record("SeenOut", "at target"),
        e.ObservedBusy: record("SeenBusy", "at target why"),
        e.DrainCutShort: record("Cut", "at target connections"),
        e.RequestsAfterQuiet: record("Arrived", "at target requests"),
        e.ObservedServing: record("SeenServing", "at target"),
        e.BecameUnhealthy: record("Fell", "at target why reason@2"),
        e.FailedAfterDone: record("Lost", "at target why reason@2"),
        e.FoundServing: record("FoundServing", "at target"),
        e.Approved: record("Approved", "at by target"),
        e.AbortAsked: record("AbortAsked", "at by"),
        e.PauseAsked: record("PauseAsked", "at by"),
        e.ResumeAsked: record("ResumeAsked", "at by"),
        e.RevertAsked: record("RevertAsked", "at by"),
        e.RetryAsked: record("RetryAsked", "at by targets"),
        e.PromoteAsked: record("PromoteAsked", "at by", since=4),
        e.ApprovalAsked: record("ApprovalAsked", "at gate expires", since=4),
        e.ApprovalExpired: record("ApprovalExpired", "at gate", since=4),
        e.GateAnswered: record("GateAnswered", "at by gate approved", since=4),
        e.GateSkipped: record("GateSkipped", "at by gate why", since=4),
        e.FreezeObserved: record("FreezeObserved", "at freeze", since=4),
        e.FreezeLifted: record("FreezeLifted", "at", since=4),
        e.GateHeld: record("GateHeld", "at gate reason", since=5),
        e.GateReleased: record("GateReleased", "at gate", since=5),
        e.GateStopped: record("GateStopped", "at gate reason reverts", since=5),
        e.WaveEnded: record("WaveEnded", "at wave", since=5),
        e.WaveBegun: record("WaveBegun", "at wave", since=5),
        traffic.ShareDecided: record("ShareDecided", "at share reason", since=5),
        traffic.WeightsSet: record("WeightsSet", "at route share", since=5),
        traffic.WeightsRejected: record("WeightsRejected", "at route why", since=5),
        traffic.WeightsUnanswered: record("WeightsUnanswered", "at route", since=5),
        traffic.RouteChanged: record("RouteChanged", "at route reason", since=5),
        traffic.ShareObserved: record("ShareObserved", "at share", since=5),
        traffic.TrafficMoved: record("TrafficMoved", "at", since=5),
        traffic.FinishAsked: record("FinishAsked", "at by", since=5),
    }
)

VALUES: Mapping[type, WireRecord] = MappingProxyType(
    {
        plan.Plan: record(
            "Plan",
            "rollout kind spec release account region groups targets "
            "bystanders window floors who versions begin waits said notices@2 held@3 limit@5 waves@5 "
            "switch@5 not_before@5",
        ),
        plan.HeldTarget: record("HeldTarget", "target rollout"),
        traffic.Switch: record("Switch", "old new routes steps needed settle whole", since=5),
        traffic.Route: record("Route", "arn name frame actions old new", since=5),
        spec.Spec: record(
            "Spec",
            "service groups work targets late window drain check soak limits on_failure "
            "revert gates@4 overlap@5 disruption@5 membership@5 before@5 after@5",
        ),
        spec.Gate: record("Gate", "name after approval hours@5 probe@5 moments@5 outcome@5", since=4),
        gate_conditions.OpenHours: record("OpenHours", "days begin end", since=5),
        gate_conditions.Hours: record("Hours", "open zone", since=5),
        gate_conditions.GateProbe: record("GateProbe", "url expect", since=5),
        spec.Approval: record("Approval", "expires default", since=4),
        spec.Command: record("Command", "executor run argv env shell@3 errexit@3 ssh@5 release@5 instance=ec2@5"),
        instances.InstanceAction: record("InstanceAction", "kind instance_type by", since=5),
        releases.Release: record("Release", "path source shared keep before_switch restart after_switch", since=5),
        releases.ArtifactSource: record("ArtifactSource", "kind place revision sha256 region strip", since=5),
        spec.SshAccess: record("SshAccess", "user port host tag config options host_keys", since=5),
        spec.Variable: record("Variable", "name value secret ssm_parameter"),
        spec.Selection: record("Selection", "only tags"),
        spec.Window: record("Window", "max_unavailable floor floor_per_zone order waves@5 pause_between@5 ranks@5"),
        spec.Ranks: record("Ranks", "tag first", since=5),
        spec.Membership: record("Membership", "zonal_shift unhealthy", since=5),
        spec.Share: record("Share", "count percent"),
        spec.Drain: record("Drain", "settle until quiet probe=witness counter cut_after ssh@5 fallback@5"),
        spec.CounterSource: record("Tally", "command url field"),
        spec.Check: record("Check", "http within asked"),
        spec.HttpCheck: record("Http", "path expect port"),
        spec.Limits: record("Limits", "draining_extra draining_from_delay working warming waiting"),
        spec.OnFailure: record("OnFailure", "max_failures failed_target then"),
        model.Group: record(
            "Group",
            "arn name port protocol protocol_version target_type delay idle_timeout "
            "check cross_zone slow_start minima load_balancers balancer_type autoscaling zonal_shift sticky@5 "
            "target_control@5",
        ),
        model.HealthCheck: record(
            "HealthCheck",
            "protocol port path matcher interval timeout healthy_threshold unhealthy_threshold",
        ),
        model.Minimum: record("Minimum", "name count percent"),
        model.Target: record("Target", "id name address zone registrations"),
        model.Registration: record("Registration", "group id port zone"),
        plan.Floor: record("Floor", "count base per_zone"),
        leases.Owner: record("Owner", "user host pid started boot scheme@2 nonce@2"),
        ports.RolloutHeader: record("Header", "rollout service groups begun finished who"),
        reasons.Reason: record("Reason", "code data"),
        e.WorkKey: record("Key", "rollout target attempt intent step@5"),
        freezes.Freeze: record("Freeze", "name who why since until", since=4),
    }
)


def record_of(cls: type) -> WireRecord | None:
    """The wire names of a recorded type.

    Returns:
        None for a type that no journal and no JSON output names field by field.
    """
    return EVENTS.get(cls) or VALUES.get(cls)


def kind_of(event: e.Event) -> str:
    """The kind that the journal and the JSON output give this event."""
    return EVENTS[type(event)].kind


def version_needed(event: e.Event) -> int:
    """The oldest version of events that can read this event.

    A person's command goes to the process that drives the rollout, which may be of an older version: the command is
    refused instead of written where that process could not read it.
    """
    row = EVENTS[type(event)]
    late = (field for field in row.fields if field.since > 1)
    defaults = {slot.name: slot.default for slot in fields(event)}
    used = (field.since for field in late if getattr(event, field.attribute) != defaults[field.attribute])
    return max(row.since, *used, 1)
