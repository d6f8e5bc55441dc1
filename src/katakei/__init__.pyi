# The public Python API for type checkers; `__init__.py` imports the same names when they are first used.
from katakei.app.control import Control as Control
from katakei.app.control import Delegated as Delegated
from katakei.app.manual_steps import manual_step as manual_step
from katakei.app.queries import Queries as Queries
from katakei.app.rollouts import NothingToDo as NothingToDo
from katakei.app.rollouts import Proposal as Proposal
from katakei.app.rollouts import RolloutRequest as RolloutRequest
from katakei.app.rollouts import Rollouts as Rollouts
from katakei.bootstrap import load_config as load_config
from katakei.bootstrap import open_drivers as open_drivers
from katakei.domain.errors import ExitCode as ExitCode
from katakei.domain.errors import KatakeiError as KatakeiError
from katakei.domain.errors import LeaseHeldError as LeaseHeldError
from katakei.domain.errors import LeaseLostError as LeaseLostError
from katakei.domain.errors import NoAnswerError as NoAnswerError
from katakei.domain.errors import RefusedError as RefusedError
from katakei.domain.errors import UnreachableError as UnreachableError
from katakei.domain.errors import UsageError as UsageError
from katakei.domain.phases import Phase as Phase
from katakei.domain.plan import Plan as Plan
from katakei.domain.plan import PlanKind as PlanKind
from katakei.domain.replay import Rollout as Rollout
from katakei.domain.spec import Spec as Spec
from katakei.render.errors import error_text as error_text
from katakei.render.reasons import sentence as sentence
from katakei.runtime.drivers import Drivers as Drivers
from katakei.runtime.runner import Turn as Turn
from katakei.runtime.session import RolloutSession as RolloutSession

__version__: str
__all__ = [
    "Control",
    "Delegated",
    "Drivers",
    "ExitCode",
    "KatakeiError",
    "LeaseHeldError",
    "LeaseLostError",
    "NoAnswerError",
    "Phase",
    "Plan",
    "PlanKind",
    "Proposal",
    "Queries",
    "RefusedError",
    "Rollout",
    "RolloutRequest",
    "RolloutSession",
    "Rollouts",
    "Spec",
    "Turn",
    "UnreachableError",
    "UsageError",
    "__version__",
    "error_text",
    "load_config",
    "manual_step",
    "open_drivers",
    "sentence",
]
