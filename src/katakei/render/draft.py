"""A draft of katakei.yml as YAML, with comments in the language of the reader: what AWS told, and what can be changed.

Only names from AWS stand outside of comments, each as a JSON string, which is YAML too.
"""

import json
from collections import Counter
from collections.abc import Iterator

from katakei.domain.model import Group
from katakei.domain.spec import Share
from katakei.planning.draft import Draft
from katakei.render.errors import error_text
from katakei.render.json_data import Plain, output
from katakei.render.text import one_line
from katakei.render.translation import Translator

SCHEMA = "https://raw.githubusercontent.com/katakei/katakei/main/docs/katakei.schema.json"
NEXT = "katakei plan"


def draft_text(draft: Draft, tr: Translator) -> str:
    """The file."""
    return "\n".join((f"# yaml-language-server: $schema={SCHEMA}", *_head(draft, tr), "", *_keys(draft, tr))) + "\n"


def draft_data(draft: Draft, file: str, command: str) -> dict[str, Plain]:
    """What was written, for programs."""
    groups: list[Plain] = [group.name for group in draft.groups]
    refused = error_text(draft.refused) if draft.refused else None
    return output("init", file=file, groups=groups, work=draft.spec.work.executor, refused=refused, next=command)


def _head(draft: Draft, tr: Translator) -> Iterator[str]:
    """What AWS told, and what stands in the way, as comments."""
    for group in draft.groups:
        yield f"# {_group(draft, group, tr)}"
    if draft.unready and any(draft.members.values()):
        names = tr.listed(draft.unready)
        yield f"# {tr('Run Command does not reach {targets}, so a person does the work.', targets=names)}"
        yield from (f"#   {one_line(tr.known(why))}" for why in sorted(set(draft.unready.values())))
    if draft.refused:
        yield f"# {tr('`katakei plan` refuses this now:')}"
        yield from (f"#   {one_line(line)}" for line in error_text(draft.refused, tr).splitlines())


def _group(draft: Draft, group: Group, tr: Translator) -> str:
    members = draft.members[group.arn]
    zones = Counter(member.zone for member in members if member.zone)
    return tr(
        "{group}: {number:target}, {serving} serving, in {zones}; deregistration delay {delay}; health check {path}"
        " every {interval}",
        group=group.name,
        number=len(members),
        serving=sum(member.seen.serving for member in members),
        zones=tr.listed(f"{zone} ({count})" for zone, count in sorted(zones.items())) or "-",
        delay=tr.span(group.delay),
        path=one_line(group.check.path) or group.check.protocol,
        interval=tr.span(group.check.interval),
    )


def _keys(draft: Draft, tr: Translator) -> Iterator[str]:
    spec = draft.spec
    yield from _line(f"service: {json.dumps(spec.service)}", tr("name in the history and in the report"))
    yield ""
    yield "balancer:"
    yield "  alb:"
    yield from _line(f"    target_groups: [{', '.join(map(json.dumps, spec.groups))}]")
    yield ""
    yield from _line("targets: all", tr("or ids and names, or {tag: {Role: web}}"))
    yield ""
    yield "window:"
    yield from _line("  max_unavailable: 1", tr("how many targets may be out at once; or a share: 25%"))
    yield from _line(f"  floor: {spec.window.floor}", _floor(spec.window.floor, tr))
    yield ""
    yield "drain:"
    yield from _line("  settle: 30s", tr("a load balancer sends requests for a while after it shows draining"))
    yield from _line(f"  until: {spec.drain.until.value}", _until(spec.carrier, tr))
    yield ""
    yield from _work(draft, tr)
    yield ""
    yield from _check(draft, tr)
    yield ""
    yield "warm:"
    yield from _line("  soak: 30s", tr("how long a target must serve before the next one is worked on"))
    yield ""
    yield "on_failure:"
    yield from _line("  max_failures: 0", tr("after more failed targets than this, no other target is touched"))


def _line(text: str, comment: str = "") -> Iterator[str]:
    yield f"{text:<40} # {comment}" if comment else text


def _floor(floor: Share, tr: Translator) -> str:
    if floor.count == 0:
        return tr("no floor: the group has one target or no listener, so nothing serves while a target is out")
    if floor != Share(percent=50):
        return tr("how many registrations must serve; the health minimum of the group asks for so many")
    return tr("how many registrations must serve; rounded up")


def _until(carrier: str, tr: Translator) -> str:
    if carrier:
        return tr("until no connection on the target can hold a request; at most the deregistration delay")
    return tr("the whole deregistration delay; with ssm or ssh a probe can end it earlier")


def _work(draft: Draft, tr: Translator) -> Iterator[str]:
    work = draft.spec.work
    yield "work:"
    if work.executor == "manual":
        yield from _line("  manual:", tr("you do the work on each target and run `katakei approve`; or one of:"))
        yield "  # ssh: {run: './deploy.sh', user: deploy}"
        yield "  # local: {run: './deploy.sh'}"
        return
    if not draft.given:
        yield f"  # {tr('Replace this command: it changes nothing on a target, and is good for a rehearsal.')}"
    yield f"  ssm: {{run: {json.dumps(work.run, ensure_ascii=False)}}}"


def _check(draft: Draft, tr: Translator) -> Iterator[str]:
    if not draft.spec.check.asked:
        yield from _line("check: none", tr("the health check speaks gRPC, which is left to the load balancer"))
        return
    yield f"# check: {{http: {{path: /health, expect: 200}}}}  # {tr('default: the health check of the group')}"
