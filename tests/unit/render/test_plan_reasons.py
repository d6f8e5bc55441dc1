"""Tests of the sentences for reasons of planning: every code has one, exactly as a person reads it."""

from string import Formatter

import pytest

from katakei.domain.reasons import Reason
from katakei.planning.reasons import FACTS, PlanCode, Risk, reason
from katakei.render.plan_reasons import RISK_OPTIONS, SENTENCES
from katakei.render.reasons import sentence

C = PlanCode

READ: list[tuple[Reason, str]] = [
    (
        reason(C.TARGET_TYPE_NOT_SUPPORTED, group="web", type="lambda"),
        "web is a target group of type lambda; only the types instance and ip are supported",
    ),
    (
        reason(C.LOAD_BALANCER_NOT_SUPPORTED, group="web", protocol="TCP", balancer_type="network"),
        "web uses the protocol TCP and a load balancer of type network; only Application Load Balancers are supported",
    ),
    (
        reason(C.LOAD_BALANCER_NOT_SUPPORTED, group="web", protocol="TCP", balancer_type=""),
        "web uses the protocol TCP and no load balancer; only Application Load Balancers are supported",
    ),
    (
        reason(C.OWNED_BY_AUTO_SCALING, group="web", auto_scaling_groups=("asg-1", "asg-2")),
        (
            "targets of web belong to an Auto Scaling group (asg-1, asg-2), which may replace them; use an instance"
            " refresh, or put them into standby by hand (docs/auto-scaling.md)"
        ),
    ),
    (
        reason(C.CROSS_ZONE_OFF, group="web", zone="a", floor=1),
        (
            "cross-zone load balancing is off for web, so 1 registration must serve in each zone, and in a no target"
            " could ever be taken out; turn it on, or add a target there"
        ),
    ),
    (
        reason(C.ZONAL_SHIFT_ACTIVE, group="web", zones=("a",)),
        "a zonal shift is active for web (a); wait until it has ended, or set membership: {zonal_shift: allow}",
    ),
    (
        reason(C.SLOW_START_ON, group="web", slow_start=60.0, soak=60.0),
        "web has a slow start of 1m; a target counts as serving only after it (soak 1m)",
    ),
    (
        reason(C.FLOOR_FROM_MINIMUM, group="web", floor=3, base=4, minimum="dns"),
        (
            "the floor of web is 3 of 4, because the load balancer needs so many (dns); below that it also sends"
            " traffic to unhealthy targets"
        ),
    ),
    (
        reason(C.ZONE_FLOOR_FROM_GROUP, group="web", floor=2),
        "cross-zone load balancing is off for web, so 2 registrations must serve in each zone",
    ),
    (
        reason(C.UNHEALTHY_AT_START, targets=(("i-1", "web1"),)),
        (
            "not serving before the rollout: i-1 (web1). Repair them, leave them out with --only, or set"
            " membership.unhealthy to first, last or skip"
        ),
    ),
    (
        reason(C.TARGET_OPTIMIZER_ON, group="web", until="proof"),
        (
            "the target optimizer of web puts an agent in front of each target, so drain.until: proof would observe the"
            " agent; use drain.until: counter or delay"
        ),
    ),
    (
        reason(C.STICKY_SESSIONS, group="web", lasts=86400.0),
        "web has sticky sessions of 24h 00m; those of a target that is taken out move to another target",
    ),
    (
        reason(C.UNHEALTHY_SKIPPED, targets=(("i-1", "web1"), ("i-2", ""))),
        "not serving, and left alone: i-1 (web1), i-2",
    ),
    (
        reason(C.ZONAL_SHIFT_ALLOWED, group="web", zones=("a", "c"), targets=2),
        "a zonal shift is active for web (a, c); 2 registrations there do not count as serving",
    ),
    (
        reason(C.RANKS_EMPTY, tag="Tier", values=("batch", "db")),
        "no target has the tag Tier with batch, db (window.ranks)",
    ),
    (
        reason(C.HEALTH_MINIMUM_ABOVE_FLOOR, group="web", minimum="dns", needed=3, base=4, floor=2),
        (
            "web requires 3 of 4 healthy targets (dns), so none could ever be taken out; with fewer the load balancer"
            " also sends traffic to unhealthy ones. Lower it (window.floor: 2)"
        ),
    ),
    (
        reason(C.UNUSED_GROUP_WITH_FLOOR, group="web"),
        (
            "no listener forwards to web, so no target in it can serve;"
            " if that is intended, set floor: 0 and remove floor_per_zone"
        ),
    ),
    (
        reason(C.FLOOR_NEVER_KEPT, group="web", floor=2, base=2),
        "the floor of web is 2 of 2, so no target could ever be taken out; lower window.floor (0 accepts an outage)",
    ),
    (
        reason(C.ZONE_FLOOR_NEVER_KEPT, group="web", zone="a", floor=1),
        "the floor of web in zone a is 1, so no target there could ever be taken out; lower window.floor_per_zone",
    ),
    (
        reason(C.BELOW_FLOOR, group="web", serving=1, floor=2, risk=Risk.BELOW_FLOOR),
        "only 1 registration of web would serve, but the floor is 2; to accept that, add --force",
    ),
    (
        reason(C.BELOW_ZONE_FLOOR, group="web", zone="a", serving=0, floor=1, risk=Risk.BELOW_FLOOR),
        "only 0 registrations of web would serve in zone a, but the floor there is 1; to accept that, add --force",
    ),
    (
        reason(C.SHARED_TARGETS, registrations=(("i-1", 80, "arn:other"),), risk=Risk.SHARED_TARGETS),
        (
            "targets are registered in other groups too, which would keep sending them requests: i-1:80 in arn:other."
            " Add those groups to the configuration, or accept that with --only-these-groups"
        ),
    ),
    (
        reason(C.DRAINED_BY_OTHERS, targets=("i-1", "i-2"), risk=Risk.FOREIGN_DRAINING),
        (
            "draining, although no rollout of this journal took them out: i-1, i-2."
            " Find out who did, or leave them alone with --ignore-draining"
        ),
    ),
    (
        reason(C.SETTLE_TOO_SHORT, settle=29.0, safe=30.0, risk=Risk.SHORT_SETTLE),
        (
            "drain.settle of 29s is shorter than 30s; until then a real load balancer may still send new requests to a"
            " draining target. To accept that, add --force"
        ),
    ),
    (
        reason(C.DRAIN_LIMIT_TOO_SHORT, limit=39.0, needed=40.0),
        (
            "limits.draining of 39s is shorter than the 40s that a drain takes here, so no drain could end in time;"
            " raise it"
        ),
    ),
    (
        reason(C.REQUESTS_NOT_POSSIBLE, group="web", protocol="HTTPS", protocol_version="HTTP1"),
        (
            "drain.until: requests needs plain HTTP/1.1 behind an Application Load Balancer, but web speaks"
            " HTTPS (HTTP1); list a fallback: until: [requests, proof]"
        ),
    ),
    (
        reason(C.REQUESTS_FALLBACK, group="web", protocol="HTTPS", protocol_version="HTTP1", fallback="proof"),
        "web speaks HTTPS (HTTP1), where requests cannot be counted; its targets drain until proof",
    ),
    (
        reason(C.GRPC_CHECK_NOT_SUPPORTED, group="web"),
        "web has a gRPC health check, which Katakei cannot send yet; set check: {http: …} or check: none",
    ),
    (
        reason(C.CHECK_UNREACHABLE, target="i-1", text="no route"),
        (
            "the check of i-1 cannot be sent from this machine: no route."
            " Run Katakei where it can reach the targets, or set check: none"
        ),
    ),
    (
        reason(C.WINDOWS_NOT_SUPPORTED, targets=("i-1", "i-2")),
        "i-1, i-2 run Windows, on which Katakei cannot work yet; leave them out with targets or --only",
    ),
    (reason(C.TARGET_NOT_READY, target="i-1", text="no agent"), "i-1 cannot be worked on: no agent"),
    (reason(C.GROUP_EMPTY, group="web"), "web has no targets, so there is nothing to do; register some first"),
    (
        reason(C.NO_TARGET_CHOSEN, groups=("web", "api")),
        "no target of web, api is selected; check targets in the configuration, or --only",
    ),
    (
        reason(
            C.TARGETS_NOT_REGISTERED,
            targets=("web7", "web9:80"),
            groups=("web",),
            registered=(("i-0", "web0"), ("i-1", "")),
        ),
        "not registered in web: web7, web9:80; registered are i-0 (web0), i-1",
    ),
    (
        reason(C.PORT_NOT_REGISTERED, target="web1", ports=(80, 81), port=8080),
        "web1 is registered with port 80, 81, not 8080; nothing was changed",
    ),
    (reason(C.PORT_OUT_OF_RANGE, port=65536), "65536 is not a port (1 to 65535)"),
    (
        reason(C.NAME_AMBIGUOUS, name="web", targets=("i-0", "i-1")),
        "web is the name of several targets (i-0, i-1); give an id",
    ),
    (
        reason(C.NOT_A_TARGET, name="web9", group="web", expected="instance id"),
        "web9 is not known in web and is not an instance id; that is how its targets are registered",
    ),
    (reason(C.UNUSED_GROUP, group="web"), "no listener forwards to web, so no target in it can serve"),
    (
        reason(C.SHORT_SETTLE_ACCEPTED, settle=29.0, safe=30.0),
        (
            "drain.settle of 29s is shorter than 30s; until then a real load balancer may still send new requests to a"
            " draining target"
        ),
    ),
    (
        reason(C.CHECK_SKIPPED, target="i-1", text="no route"),
        (
            "this machine cannot reach i-1 (no route), so no check runs before a target is registered again;"
            " only the load balancer's own health check decides"
        ),
    ),
    (
        reason(C.CURRENT_LEFT_ALONE, targets=(("i-1", "web1"), ("i-2", "")), release="v10"),
        "left alone because the journal says that v10 is there already: i-1 (web1), i-2",
    ),
    (
        reason(C.LIMITED, limit=2, targets=5),
        (
            "only the first 2 targets of 5 are taken; the others are left for a later rollout, which takes them first"
            " where it has a limit too"
        ),
    ),
    (
        reason(C.GATE_NOT_ASKED, gate="rest", after=2, targets=1),
        "nobody is asked to pass the gate rest: it comes after 2 targets, and the plan has 1 target",
    ),
    (reason(C.OUTAGE_ACCEPTED, group="web"), "the floor of web is 0, so an outage is accepted"),
    (reason(C.DRAINING_LEFT_ALONE, targets=("i-3",)), "draining, and left alone: i-3"),
    (
        reason(C.OTHER_GROUPS_LEFT_ALONE, groups=tuple("abcdefg")),
        "registrations in other groups stay as they are: a, b, c, d, e and 2 more",
    ),
    (
        reason(C.REGISTERED_AS_RECORDED, target=("i-7", "web7"), rollout="r-7"),
        "i-7 (web7) is registered as rollout r-7 recorded it",
    ),
    (
        reason(C.REGISTERED_WHERE_HELD, target=("i-7", ""), port=8080, rollout="r-7"),
        "i-7 is registered at port 8080 too, because rollout r-7 took it out there",
    ),
    (
        reason(C.GROUP_PORT_USED, target="i-7", port=80),
        "no port is recorded for i-7, so the group's own port 80 is used",
    ),
    (
        reason(C.UNKNOWN_PORT_USED, target=("i-7", "web7"), ports=(8080, 8081), port=9000),
        "i-7 (web7) is known here with port 8080, 8081, not with 9000; 9000 is used",
    ),
    (
        reason(C.ROLLOUT_UNFINISHED, rollout="r-1"),
        "rollout r-1 is not finished; katakei roll carries it on as it was planned:",
    ),
    (reason(C.SETTING_SETTLE), "drain.settle"),
    (
        reason(C.SETTING_SETTLE_UP_TO_DELAY, delay=40.0),
        "drain.settle; up to the delay of 40s while requests may be pending",
    ),
    (
        reason(C.HELD_IN_MORE_GROUPS, target=("i-1", "web1"), rollout="r-x", groups=("arn:api",)),
        (
            "i-1 (web1) is out since r-x, which took it out of arn:api too; add those groups to the configuration, or"
            " keep it out with katakei deregister"
        ),
    ),
    (
        reason(C.HELD_NEEDED_FOR_FLOOR, group="web", floor=1, base=2, targets=(("i-1", "web1"),)),
        (
            "the floor of web is 1 of 2, so no target could ever be taken out while i-1 (web1) stays out;"
            " include it, or put it back with katakei register"
        ),
    ),
    (
        reason(C.HELD_NOT_READY, target=("i-1", "web1"), rollout="r-x", text="its agent is offline", group="web"),
        (
            "i-1 (web1) is out since r-x and cannot be worked on: its agent is offline."
            " To roll without it, run: katakei deregister web i-1"
        ),
    ),
    (
        reason(C.HELD_TAKEN_FIRST, target=("i-1", "web1"), rollout="r-x", ended=("failed", "v9")),
        "i-1 (web1) is out since r-x (failed v9): taken first",
    ),
    (
        reason(C.HELD_TAKEN_FIRST, target=("i-1", ""), rollout="r-x", ended=("aborted", "")),
        "i-1 is out since r-x (aborted): taken first",
    ),
    (
        reason(C.HELD_NOT_SELECTED, target=("i-1", "web1"), rollout="r-x", ended=("failed", "v9")),
        "i-1 (web1) is out since r-x (failed v9) and stays out: not selected",
    ),
    (
        reason(C.HELD_BY_HAND, target=("i-1", "web1"), rollout="r-x"),
        ("i-1 (web1) is out since r-x (deregistered by hand) and stays out; to put it back, run katakei register"),
    ),
    (
        reason(C.HELD_MAY_RUN, target=("i-1", "web1"), rollout="r-x", ended=("failed", "v9")),
        (
            "i-1 (web1) is out since r-x (failed v9) and stays out: its work may still run there."
            " To settle that, run: katakei retry r-x"
        ),
    ),
    (
        reason(C.HELD_BY_OTHER_GROUPS, target=("i-1", "web1"), rollout="r-x", ended=("failed", "v9")),
        "i-1 (web1) is out since r-x (failed v9) and stays out: that rollout was of other target groups",
    ),
    (
        reason(C.HELD_KEPT_OUT, target=("i-1", "web1"), rollout="r-x", ended=("failed", "v9")),
        "i-1 (web1) is out already, since r-x (failed v9); it is kept out",
    ),
    (reason(C.ALREADY_OUT, target=("i-1", "web1"), rollout="r-x"), "i-1 (web1) is out already, since r-x"),
    (reason(C.ALREADY_OUT, target=("i-1", ""), rollout=""), "i-1 is out already"),
    (
        reason(C.STILL_IN_OTHER_GROUPS, registrations=(("i-1", 80, "api"),), risk=Risk.SHARED_TARGETS),
        (
            "other groups still send requests to it: i-1:80 in api. Take it out of all of them with --all-groups,"
            " or accept that with --only-these-groups"
        ),
    ),
    (
        reason(C.TRAFFIC_GOES_ON, registrations=(("i-1", 80, "api"),)),
        "requests go on through other groups: i-1:80 in api",
    ),
    (
        reason(C.DEPLOY_UNCONFIRMED, target=("i-1", "web1"), rollout="r-x", ended=("failed", "v9"), may_run=False),
        "the last deploy of i-1 (web1) is not known to be good: r-x (failed v9). Check it before it serves",
    ),
    (
        reason(C.DEPLOY_UNCONFIRMED, target=("i-1", ""), rollout="r-x", ended=("failed", "v9"), may_run=True),
        (
            "the last deploy of i-1 is not known to be good: r-x (failed v9), and its work may still run there."
            " Check it before it serves"
        ),
    ),
    (
        reason(C.TOO_DISRUPTIVE, command="ec2: reboot", disruption="reboot", most="restart"),
        ("the configuration allows disruption: restart, but ec2: reboot may go as far as reboot; change one of them"),
    ),
    (
        reason(C.NOT_AN_INSTANCE, targets=("10.0.0.1",)),
        "not an EC2 instance, so work: ec2 cannot act on it: 10.0.0.1; leave it out",
    ),
    (
        reason(C.STOP_IN_AUTO_SCALING, targets=("i-1", "i-2")),
        "Auto Scaling replaces an instance that is stopped; leave out its members: i-1, i-2",
    ),
    (
        reason(C.CANNOT_BE_STOPPED, target="i-1", text="spot"),
        "i-1 cannot be stopped and started: it is a Spot instance; leave it out",
    ),
    (
        reason(C.UNKNOWN_INSTANCE_TYPE, type="m9.huge"),
        "there is no instance type m9.huge in this region; change instance_type",
    ),
    (
        reason(C.WRONG_ARCHITECTURE, target="i-1", type="m7g.large", architecture="x86_64", architectures=("arm64",)),
        "i-1 runs x86_64, but m7g.large is for arm64 only; write another instance_type",
    ),
    (
        reason(C.INSTANCE_STORE_LOST, targets=("i-1",)),
        "a stop deletes the data on the instance store volumes of i-1",
    ),
    (
        reason(C.PUBLIC_ADDRESS_CHANGES, targets=("i-1",)),
        "a stop releases the public IPv4 address that AWS gave to i-1; the start brings another one",
    ),
    (reason(C.SETTING_DEREGISTRATION_DELAY), "the group's deregistration delay"),
    (reason(C.SETTING_HEALTH_CHECK_INTERVAL), "the group's health check interval"),
    (reason(C.SETTING_FIXED), "fixed"),
    (reason(C.SETTING_SOAK), "warm.soak"),
    (
        reason(C.LIMITED_BY_FLOOR, group="web", floor=1, window=2),
        "window.max_unavailable allows 2, but 1 of web must serve",
    ),
    (
        reason(C.LIMITED_BY_ZONE_FLOOR, group="web", floor=1, window=2),
        "window.max_unavailable allows 2, but 1 of web must serve in each zone",
    ),
    (
        reason(C.NO_ROUTES, group="web"),
        "no listener and no rule sends requests to web, so there is nothing to switch",
    ),
    (
        reason(C.ROUTE_NOT_MOVABLE, route="HTTP:80", trouble="other groups"),
        "HTTP:80 cannot be switched: it forwards to a third target group",
    ),
    (
        reason(C.BALANCER_WITHOUT_WEIGHTS, group="web", balancer_type="gateway"),
        (
            "web is behind a load balancer of type gateway, which has no weights;"
            " only Application and Network Load Balancers are supported"
        ),
    ),
    (
        reason(C.NEW_GROUP_ELSEWHERE, group="green"),
        ("green is used by another load balancer, and a group can belong to one only; create a group for this one"),
    ),
    (
        reason(C.NEW_GROUP_SERVES_TOO_FEW, group="green", serving=1, needed=2, risk=Risk.BELOW_FLOOR),
        (
            "green has 1 serving target, but 2 serve all requests now; register more targets,"
            " or accept a smaller group with --force"
        ),
    ),
    (
        reason(C.STICKY_SESSIONS_NEED_GROUP, groups=("web",), routes=("HTTP:80",)),
        (
            "the targets of web keep their clients by a cookie, which works with weights only where clients keep"
            " their group too; turn on target group stickiness in HTTP:80"
        ),
    ),
    (
        reason(C.WEIGHT_SETTLE_TOO_SHORT, settle=5.0, safe=60.0, risk=Risk.SHORT_SETTLE),
        (
            "a settle of 5s is shorter than 1m; until then requests may still reach a group whose weight is 0."
            " To accept that, add --force"
        ),
    ),
    (
        reason(C.SWITCH_SAME_GROUP, group="web"),
        "a switch goes from one target group to another, but both are web",
    ),
    (
        reason(C.ROUTE_UNKNOWN, route="8443", group="web", routes=("HTTP:80", "HTTP:81")),
        "8443 is no listener and no rule that names web; there are: HTTP:80, HTTP:81",
    ),
    (
        reason(C.NEW_GROUP_CHECKED_FIRST, group="green"),
        "green is in no listener yet: it is added with weight 0 first, so that its targets are checked",
    ),
    (reason(C.OTHER_ROUTES_STAY, group="web"), "other listeners or rules go on sending requests to web"),
    (
        reason(C.CLIENTS_STICK, routes=("HTTP:80",), length=3600.0),
        "HTTP:80 keeps each client in its group for 1h 00m, also after the weights have changed",
    ),
    (
        reason(C.CONNECTIONS_STAY, group="web"),
        "connections that are open stay with web until they end; only new ones move",
    ),
    (
        reason(C.SMALLER_GROUP_ACCEPTED, group="green", serving=1, was=2),
        "green carries all requests with 1 target, where 2 carried them before",
    ),
    (
        reason(C.WEIGHT_TAKEN_AWAY, group="web", rollout="r-x", left=90.0),
        "rollout r-x took the weight of web away; no target is taken out for another 1m 30s",
    ),
]


def test_plan_reasons_have_a_sentence_for_every_code() -> None:
    assert set(SENTENCES) == {code.value for code in PlanCode} == {given.code for given, _ in READ}


@pytest.mark.parametrize("code", list(PlanCode))
def test_plan_reasons_show_every_fact(code: PlanCode) -> None:
    assert {name for _, name, _, _ in Formatter().parse(SENTENCES[code]) if name} == set(FACTS[code])


@pytest.mark.parametrize(("given", "read"), READ, ids=lambda value: value.code if isinstance(value, Reason) else "")
def test_plan_reasons_read_as_sentences(given: Reason, read: str) -> None:
    assert sentence(given) == read


def test_every_risk_has_an_option() -> None:
    assert set(RISK_OPTIONS) == {risk.value for risk in Risk}
