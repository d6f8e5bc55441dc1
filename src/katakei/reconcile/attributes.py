"""Whether a group still is what the plan was made for: its attributes are compared again before each take-out."""

from dataclasses import fields

from katakei.domain.model import Group

# Which load balancers there are may change; that there is one may not.
_PROMISED = tuple(field.name for field in fields(Group) if field.name not in {"name", "load_balancers"})


def changed(recorded: Group, now: Group) -> str:
    """What is no longer as it was recorded, in words; '' when nothing is."""
    said = [
        f"{name} was {getattr(recorded, name)}, is {getattr(now, name)}"
        for name in _PROMISED
        if getattr(recorded, name) != getattr(now, name)
    ]
    if recorded.load_balancers and not now.load_balancers:
        said.append("no listener forwards to it any more")
    return "; ".join(said)
