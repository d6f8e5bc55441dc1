"""Actions on tags, account limits and SSL policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.elbv2.ssl_policies import SSL_POLICIES, build_policy

from katakei.lab.elb.errors import ElbError, balancer_not_found, group_not_found, listener_not_found, rule_not_found

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

LIMITS = {
    "application-load-balancers": "50",
    "target-groups": "3000",
    "targets-per-application-load-balancer": "1000",
    "targets-per-target-group": "1000",
    "target-groups-per-application-load-balancer": "100",
    "target-groups-per-action-on-application-load-balancer": "5",
    "target-id-registrations-per-application-load-balancer": "1000",
    "listeners-per-application-load-balancer": "50",
    "rules-per-application-load-balancer": "100",
    "condition-values-per-alb-rule": "5",
    "network-load-balancers": "50",
    "targets-per-network-load-balancer": "3000",
    "listeners-per-network-load-balancer": "50",
}


def add_tags(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """AddTags, with new tags or new values."""
    for arn in params["ResourceArns"]:
        _require_known(target_state, arn)
    for arn in params["ResourceArns"]:
        target_state.tags.setdefault(arn, {}).update({tag["Key"]: tag.get("Value", "") for tag in params["Tags"]})
    return {}


def remove_tags(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """RemoveTags. An absent tag is not an error."""
    for arn in params["ResourceArns"]:
        _require_known(target_state, arn)
        for key in params["TagKeys"]:
            target_state.tags.get(arn, {}).pop(key, None)
    return {}


def describe_tags(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeTags, of up to 20 resources."""
    described = []
    for arn in params["ResourceArns"]:
        _require_known(target_state, arn)
        tags = [{"Key": key, "Value": value} for key, value in target_state.tags.get(arn, {}).items()]
        described.append({"ResourceArn": arn, "Tags": tags})
    return {"TagDescriptions": described}


def describe_account_limits(_target_state: TargetState, _params: Params, _now: datetime) -> Params:
    """DescribeAccountLimits, with AWS's default quotas."""
    return {"Limits": [{"Name": name, "Max": most} for name, most in LIMITS.items()]}


def describe_ssl_policies(_target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeSSLPolicies, with AWS's predefined policies."""
    names = params.get("Names") or list(SSL_POLICIES)
    if not set(names) <= set(SSL_POLICIES):
        raise ElbError("SSLPolicyNotFound", "One or more SSL policies not found")
    return {"SslPolicies": [build_policy(name, SSL_POLICIES[name]) for name in names]}


def _require_known(target_state: TargetState, arn: str) -> None:
    if ":targetgroup/" in arn:
        if target_state.group(arn) is None:
            raise group_not_found()
    elif ":listener-rule/" in arn:
        if arn not in target_state.rules and all(arn != one.default_rule for one in target_state.listeners.values()):
            raise rule_not_found()
    elif ":listener/" in arn:
        if arn not in target_state.listeners:
            raise listener_not_found()
    elif arn not in target_state.balancers:
        raise balancer_not_found()
