"""The actions of a listener or a rule: what they say except for two weights, and the same actions with other weights.

Everything that is not a weight of the two groups is kept exactly: authentication, order, other settings of the forward.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from katakei.domain.model import Arn
from katakei.domain.ports import RouteTrouble
from katakei.domain.traffic import WHOLE, Share, Weights

Action = Mapping[str, Any]
KNOWN_TYPES = frozenset(
    {"authenticate-cognito", "authenticate-oidc", "fixed-response", "forward", "jwt-validation", "redirect"}
)
"""ELBv2 `ActionTypeEnum`. What an unknown action holds might be lost when it is written back."""
SECRETS = ("ClientSecret", "UseExistingClientSecret")
"""Of OpenID Connect: the secret is never returned, and a flag tells ELBv2 to keep it."""


def frame(actions: Sequence[Action], old: Arn, new: Arn) -> str:
    """Returns one canonical text of everything but the weights of the two groups."""
    ordered = sorted(actions, key=lambda action: action.get("Order", 0))
    return json.dumps([_plain(action, {old, new}) for action in ordered], sort_keys=True)


def weights(actions: Sequence[Action], old: Arn, new: Arn) -> Weights:
    """Returns the weights of the two groups; None for one that is not named."""
    found = {group: weight for action in actions for group, weight in _groups(action).items()}
    return Weights(found.get(old), found.get(new))


def written(actions: Sequence[Action], old: Arn, new: Arn, share: Share) -> list[dict[str, Any]]:
    """Returns the actions to send: as recorded, with the weights of a share."""
    return [_sent(action, old, new, share) for action in actions]


def trouble(actions: Sequence[Action], old: Arn, new: Arn) -> RouteTrouble | None:
    """Returns why these actions cannot be moved; None where they can."""
    if any(action["Type"] not in KNOWN_TYPES for action in actions):
        return RouteTrouble.UNKNOWN_ACTION
    if any(not set(_groups(action)) <= {old, new} for action in actions):
        return RouteTrouble.OTHER_GROUPS
    has = weights(actions, old, new)
    if not has.old:
        return RouteTrouble.NO_REQUESTS
    return RouteTrouble.ALREADY_NEW if has.new else None


def stickiness(actions: Sequence[Action]) -> timedelta | None:
    """Returns how long a client keeps its target group; None where that is off."""
    for action in actions:
        config = action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {})
        if config.get("Enabled"):
            return timedelta(seconds=config.get("DurationSeconds", 0))
    return None


def _groups(action: Action) -> dict[Arn, int]:
    """The groups of a forward with their weights. A forward to one group is shown in two forms."""
    if action["Type"] != "forward":
        return {}
    alone = [{"TargetGroupArn": action["TargetGroupArn"]}] if "TargetGroupArn" in action else []
    listed = action.get("ForwardConfig", {}).get("TargetGroups") or alone
    return {Arn(group["TargetGroupArn"]): group.get("Weight", 1) for group in listed}


def _plain(action: Action, moving: set[Arn]) -> dict[str, Any]:
    if action["Type"] != "forward":
        rest = {name: value for name, value in action.items() if name != "Order"}
        if "AuthenticateOidcConfig" in rest:
            config = rest["AuthenticateOidcConfig"]
            rest["AuthenticateOidcConfig"] = {name: config[name] for name in config if name not in SECRETS}
        return rest
    kept = stickiness([action])
    rest = {name: value for name, value in action.items() if name not in {"Order", "TargetGroupArn", "ForwardConfig"}}
    config = action.get("ForwardConfig", {})
    more = {name: config[name] for name in config if name not in {"TargetGroups", "TargetGroupStickinessConfig"}}
    others = {group: weight for group, weight in _groups(action).items() if group not in moving}
    return {**rest, "config": more, "others": others, "sticky": kept.total_seconds() if kept else None}


def _sent(action: Action, old: Arn, new: Arn, share: Share) -> dict[str, Any]:
    sent = dict(action)
    if "AuthenticateOidcConfig" in sent:
        config = {name: value for name, value in sent["AuthenticateOidcConfig"].items() if name not in SECRETS}
        sent["AuthenticateOidcConfig"] = {**config, "UseExistingClientSecret": True}
    if action["Type"] != "forward" or share is None:
        return sent
    sent.pop("TargetGroupArn", None)
    groups = [{"TargetGroupArn": old, "Weight": WHOLE - share}, {"TargetGroupArn": new, "Weight": share}]
    sent["ForwardConfig"] = {**action.get("ForwardConfig", {}), "TargetGroups": groups}
    return sent
