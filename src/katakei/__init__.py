"""Rolling updates for the servers behind an AWS load balancer, one side at a time (片系ずつ).

The names in `__all__` are the public Python API; everything else may change. They are imported when they are first
used, so that `import katakei` costs nothing. A rollout without the command line:

    from katakei import Proposal, RolloutRequest, Rollouts, load_config, open_drivers, sentence

    with open_drivers(region="ap-northeast-1") as drivers:
        rollouts = Rollouts(drivers)
        opened = rollouts.open(RolloutRequest(load_config("katakei.yml"), release="v42"))
        while isinstance(opened, Proposal):  # a plan; the lease is held, nothing is changed yet
            with opened:
                opened = rollouts.start(opened)  # a session, or another proposal if the plan has changed since
        with opened as session:
            for turn in session.turns():
                print(turn.now, sentence(turn.why))

`RolloutSession.step` takes one turn and says when the next is due, for a program with a loop of its own. Every error
is a `KatakeiError`; its `code` is the exit code of the command line.
"""

from importlib import import_module

__version__ = "0.2.0"

_MODULES = {
    "katakei.app.control": ("Control", "Delegated"),
    "katakei.app.manual_steps": ("manual_step",),
    "katakei.app.queries": ("Queries",),
    "katakei.app.rollouts": ("NothingToDo", "Proposal", "RolloutRequest", "Rollouts"),
    "katakei.bootstrap": ("load_config", "open_drivers"),
    "katakei.domain.errors": (
        "ExitCode",
        "KatakeiError",
        "LeaseHeldError",
        "LeaseLostError",
        "NoAnswerError",
        "RefusedError",
        "UnreachableError",
        "UsageError",
    ),
    "katakei.domain.phases": ("Phase",),
    "katakei.domain.plan": ("Plan", "PlanKind"),
    "katakei.domain.replay": ("Rollout",),
    "katakei.domain.spec": ("Spec",),
    "katakei.render.errors": ("error_text",),
    "katakei.render.reasons": ("sentence",),
    "katakei.runtime.drivers": ("Drivers",),
    "katakei.runtime.runner": ("Turn",),
    "katakei.runtime.session": ("RolloutSession",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["__version__", *sorted(_MODULE_OF)]  # noqa: PLE0604 - all of them are text


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
