"""The meaning of every key of katakei.yml and of service files, in one sentence, by section and key.

The JSON Schemas carry these sentences, so an editor shows them, and `make docs` draws the configuration reference from
them. A test names each key that has no meaning here, and each meaning without a key.
"""

from collections.abc import Mapping
from typing import Any

SSH_MEANINGS: Mapping[str, str] = {
    "user": "The user on the targets.",
    "port": "The port of the SSH server.",
    "host": "What names the host: its private address, its Name tag, its id, or another tag.",
    "config": "A configuration file of the OpenSSH client.",
    "options": "Options of the OpenSSH client, as in its configuration file.",
    "host_keys": "`verify` accepts known keys only. `accept-new` also accepts the key of a host that is met first.",
}

SHELL_MEANINGS: Mapping[str, str] = {
    "shell": "The shell that reads `run`. The default is `sh`.",
    "errexit": "Whether the first command that fails ends the work. The default is true for several lines.",
}

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "Settings": {
        "service": "The name in the history and in reports.",
        "balancer": "The load balancer that sends requests to the targets.",
        "targets": "Which registered targets take part: all, a list of ids and names, or EC2 tags.",
        "late": "Whether targets that somebody registers during the rollout take part. "
        "The default is `roll` with `targets: all`, else `leave`.",
        "membership": "Which members of the groups take part.",
        "window": "How many targets may be out at a time, and how many must serve.",
        "drain": "When the drain of a target ends.",
        "work": "The work on each target: exactly one kind.",
        "check": "The check before a target is registered again; `none` disables it.",
        "warm": "How long a target must keep serving before the next one is worked on.",
        "limits": "How long each phase may last.",
        "on_failure": "What happens after a failure.",
        "revert": "The command that reverts a release on a target, for `katakei revert` and `then: revert`.",
        "notify": "Addresses that get messages about rollouts.",
        "gates": "What has to be passed before targets are taken out.",
        "before": "Steps before the work.",
        "after": "Steps after the work and before the check.",
        "disruption": "The most that the rollout may do to a machine. Work that may do more is refused.",
    },
    "Balancer": {"alb": "An Application Load Balancer."},
    "Alb": {"target_groups": "Names or ARNs. A rollout takes a target out of all of them or of none."},
    "Tagged": {"tag": "EC2 tags with their values. A target must have all of them."},
    "Window": {
        "max_unavailable": "How many targets may be out at a time: a count, or a percentage that is rounded down, at "
        "least 1.",
        "floor": "How many registrations must serve in each group: a count, or a percentage that is rounded up. "
        "0 accepts an outage.",
        "floor_per_zone": "How many registrations must serve in each zone.",
        "order": "Zone by zone, or in the order of the group.",
        "waves": "Growing shares of all targets, which are taken one after the other. The last wave is all targets.",
        "pause_between": "How long a wave is over before the next one begins.",
        "ranks": "Which targets are taken before all others.",
    },
    "Ranks": {
        "tag": "The key of the EC2 tag that holds the rank of a target.",
        "first": "Values of the tag in the order in which their targets are taken. All other targets come after them.",
    },
    "Membership": {
        "auto_scaling": "Members of an Auto Scaling group are refused.",
        "zonal_shift": "Whether a rollout may begin during a zonal shift. Targets there never count as serving.",
        "unhealthy": "When targets are taken that do not serve at the start: last, first, or never; or the rollout is "
        "refused.",
    },
    "Drain": {
        "settle": "How long a load balancer may still send requests after a target shows `draining`.",
        "until": "What ends the drain. The default is `proof` if a probe can run on the target, else `delay`.",
        "quiet": "How long nothing may be pending, with `answered` and `counter`.",
        "witness": "What brings the probe to the target: the work, or `ssm` or `ssh` if the work is another.",
        "ssh": "How SSH reaches the targets, with `witness: ssh`.",
        "counter": "Where the target reads its number of requests in progress.",
        "cut_after": "The longest wait for open connections. The rollout counts the connections that it cut.",
    },
    "Counter": {
        "url": "An address on the target: the status page of php-fpm or nginx, JSON, or a number.",
        "command": "A command on the target that prints the number.",
        "field": "The name of the number in the answer.",
    },
    "SshWay": SSH_MEANINGS,
    "Work": {
        "ssm": "Run Command of AWS Systems Manager.",
        "ssh": "The OpenSSH client of the machine that runs Katakei.",
        "local": "A command on the machine that runs Katakei, once for each target.",
        "manual": "A person does the work and approves it.",
        "release": "A release that is put into place in the layout of Capistrano.",
        "ec2": "EC2 reboots the instance, or stops and starts it.",
    },
    "Beside": {"target": "A command on each target. If it fails, the target has failed."},
    "StepCommand": {
        "ssm": "Run Command of AWS Systems Manager.",
        "ssh": "The OpenSSH client of the machine that runs Katakei.",
    },
    "Ec2": {
        "action": "What EC2 does with the instance.",
        "instance_type": "The type that a stopped instance gets before it is started.",
        "by": "How the machine is asked whether it is up again. `none` asks EC2 alone.",
        "ssh": "How SSH reaches the targets, with `by: ssh`.",
    },
    "Ssm": {
        **SHELL_MEANINGS,
        "run": "The command. A release is in the variable `KATAKEI_RELEASE`.",
        "env": "Environment variables. The target itself reads `{ssm_parameter: /app/db}`.",
    },
    "Ssh": {
        **SHELL_MEANINGS,
        **SSH_MEANINGS,
        "run": "The command. A release is in the variable `KATAKEI_RELEASE`.",
        "env": "Environment variables. `{secret: NAME}` reads a variable where Katakei runs and is never recorded.",
    },
    "Local": {
        **SHELL_MEANINGS,
        "run": "The command. The target is in `KATAKEI_TARGET`, `KATAKEI_ADDRESS` and others.",
        "argv": "The same as words, without a shell.",
        "env": "Environment variables. `{secret: NAME}` reads a variable where Katakei runs and is never recorded.",
    },
    "Release": {
        "path": "The folder on the target that holds `releases`, `shared` and `current`.",
        "source": "Where each target finds the release.",
        "shared": "Files and folders that all releases share. A folder ends with a slash.",
        "keep": "How many releases stay on the target.",
        "before_switch": "A command in the folder of the release, before `current` points to it.",
        "restart": "A command after `current` points to the release, and after a revert.",
        "after_switch": "A command after the restart.",
        "by": "How the target is reached.",
        "ssh": "How SSH reaches the targets, with `by: ssh`.",
        "env": "Environment variables of the commands.",
    },
    "Source": {
        "git": "The URL of a repository.",
        "revision": "The tag or commit to install. The default is the name of the release.",
        "s3": "An archive in Amazon S3: `s3://BUCKET/KEY`.",
        "region": "The region of the bucket.",
        "url": "An archive at an HTTPS address.",
        "sha256": "The checksum of the archive, or `beside` to read it from a file next to the archive.",
        "strip": "Whether the archive holds one folder, whose content is the release.",
    },
    "Check": {
        "http": "A request to the target itself. Without it, the health check of the group is used.",
        "within": "How long the check may take to pass.",
    },
    "Http": {
        "path": "The path of the request.",
        "expect": "The status codes that pass: `200`, `200-299` or `200,204`.",
        "port": "The port. The default is the registered one.",
    },
    "Warm": {
        "soak": "How long a target must keep serving.",
        "overlap": "Whether the next target may drain meanwhile, if enough proven targets serve.",
    },
    "Limits": {
        "draining": "The longest drain: the group's deregistration delay and more, or a fixed time.",
        "working": "The longest work on one target.",
        "warming": "The longest wait until a registered target is healthy.",
        "waiting": "How long the floor, or missing observations, may hold the whole rollout.",
    },
    "OnFailure": {
        "max_failures": "After more failed targets than this, no other target is touched.",
        "then": "What follows: `stop`, or `revert` of the targets that were worked on.",
        "failed_target": "Whether a failed target stays out, or goes back after its check passes.",
    },
    "Gate": {
        "approval": "A person has to approve.",
        "hours": "The time has to be within opening hours.",
        "probe": "A URL has to answer as expected.",
    },
    "Hours": {
        "name": "The name for `katakei promote --skip-gate`.",
        "after": "From how many finished targets on the gate counts.",
        "open": "Days of the week with hours, like `mon-fri 09:00-17:00`; past midnight with `22:00-02:00`.",
        "zone": "The time zone of the hours, like `Asia/Tokyo`.",
    },
    "Probe": {
        "name": "The name for `katakei promote --skip-gate`.",
        "after": "From how many finished targets on the gate counts.",
        "url": "The URL, asked from the machine that runs Katakei.",
        "expect": "The HTTP status codes that are expected.",
        "at": "When it is asked: `before` a target is taken out, after its `soak`, at the `end` of the rollout.",
        "then": "What follows from another answer: the rollout waits, ends as after an abort, or is reverted.",
    },
    "Approval": {
        "name": "The name for `katakei approve --gate`.",
        "after": "After how many finished targets the gate is due.",
        "expires": "How long an answer is waited for.",
        "default": "What happens if nobody answers.",
    },
    "Notify": {
        "url": "Where the address is read from: a variable, or a file. The address holds a secret.",
        "on": "What messages are sent about. The default is all.",
        "language": "The language of the messages.",
    },
    "ServiceSettings": {"server": "What a server needs to know about the service."},
    "Server": {
        "aws": "The account and region of the target groups. The default is that of the server.",
        "release": "What is rolled out where nobody names a release; or a file with it.",
        "policy": "Who may do what, beside the roles.",
        "frozen": "A reason. While the key is here, no target of the service is taken out.",
    },
    "Aws": {
        "profile": "A profile of the server's AWS configuration.",
        "role_arn": "A role to assume.",
        "external_id": "The external id that the trust policy of the role asks for.",
        "region": "The region.",
    },
    "Policy": {
        "start": "Who may start a rollout. An empty list allows everybody with the role.",
        "approve": "Who may answer and skip gates.",
        "abort": "Who may abort and revert. An admin always may.",
        "four_eyes": "Whether the person who started a rollout may not approve it.",
        "ci": "CI jobs that may use the service.",
    },
    "CiJob": {
        "name": "The name in rollouts and in the audit log, after `ci:`.",
        "system": "The CI system.",
        "issuer": "The issuer of its tokens. The default is that of the system.",
        "claims": "Claims of the token and their exact values.",
        "acts": "What the job may do beside reading.",
        "lifetime": "How long the token of the job is valid.",
    },
}


def with_meanings(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema whose keys carry their meaning."""
    for section in (schema, *schema.get("$defs", {}).values()):
        # Service files hold all keys of katakei.yml.
        whole = {**MEANINGS["Settings"], **MEANINGS["ServiceSettings"]}
        meanings = whole if section is schema else MEANINGS.get(section.get("title", ""), {})
        for key, value in section.get("properties", {}).items():
            if key in meanings:
                value["description"] = meanings[key]
    return schema
