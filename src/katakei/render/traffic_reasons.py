"""The sentences for the reasons of a switch, in the form of `render.reasons`."""

from collections.abc import Mapping
from types import MappingProxyType

from katakei.domain.reasons import ReasonCode

_C = ReasonCode

SENTENCES: Mapping[ReasonCode, str] = MappingProxyType(
    {
        _C.ROUTE_DELETED: "somebody deleted {route}, which this switch moves",
        _C.ROUTE_ACTIONS_CHANGED: "somebody changed the actions of {route}; this switch does not write it any more",
        _C.ROUTE_WEIGHTS_CHANGED: (
            "somebody changed the weights of {route} (old {old:or none}, new {new:or none});"
            " this switch does not write it any more"
        ),
        _C.ROUTE_REJECTED: "{route} was not changed, because AWS refused it: {text}",
        _C.ROUTES_NOT_OBSERVED: "nothing was observed for {waited:span}{text:after colon}",
        _C.WEIGHTS_MOVING: "bringing {routes} to {share} % for {waited:span}",
        _C.WEIGHTS_RETURNING: "bringing {routes} back to what it was for {waited:span} ({why})",
        _C.WEIGHTS_CONFIRMING: "reading the weights once more, in {left:span}",
        _C.SHARE_SOAKING: "{share} % of the requests go to the new group; the next step comes in {left:span}",
        _C.SHARE_WAITS: (
            "before {share} %, {group} needs {needed:serving target}; it has {serving} (for {waited:span})"
        ),
        _C.NEW_GROUP_TOO_SMALL: "{group} has {serving:serving target}, but {share} % of the requests need {needed}",
        _C.OLD_GROUP_DOWN_TOO: (
            "{group} has {serving:serving target} and needs {needed}, but the old group has none to go back to"
            " (for {waited:span})"
        ),
        _C.TRAFFIC_MOVED: (
            "all requests go to the new group. To go back at once: katakei switch --back {rollout};"
            " to give that up: katakei switch --finish {rollout}"
        ),
        _C.WEIGHT_SETTLING: "a switch took the weight of the group away; requests may still arrive, for {left:span}",
    }
)
