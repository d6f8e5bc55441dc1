"""The ports: everything that Katakei asks of the outside, one module for each kind of foreign thing.

Adapters implement these protocols, and contract tests hold every adapter to the same promises. The names are imported
from here: `from katakei.domain.ports import Journal`.
"""

from katakei.domain.ports.balancer import Balancer, GroupMember, GroupReader, ListedGroup
from katakei.domain.ports.executor import (
    Executor,
    InstanceReader,
    KeptOutput,
    OutputKeeper,
    ProgramOutput,
    ProgramRunner,
)
from katakei.domain.ports.journal import Freezes, Journal, Leases, LeaseStatus, Liveness, RolloutHeader, newest_first
from katakei.domain.ports.router import Router, RouteSurvey, RouteTrouble, SurveyedRoute
from katakei.domain.ports.system import Clock, Pool
from katakei.domain.ports.target import CheckRequest, HealthChecker, Probe, ProbedTarget
from katakei.domain.ports.waits import WaitReport, WaitReports

__all__ = [
    "Balancer",
    "CheckRequest",
    "Clock",
    "Executor",
    "Freezes",
    "GroupMember",
    "GroupReader",
    "HealthChecker",
    "InstanceReader",
    "Journal",
    "KeptOutput",
    "LeaseStatus",
    "Leases",
    "ListedGroup",
    "Liveness",
    "OutputKeeper",
    "Pool",
    "Probe",
    "ProbedTarget",
    "ProgramOutput",
    "ProgramRunner",
    "RolloutHeader",
    "RouteSurvey",
    "RouteTrouble",
    "Router",
    "SurveyedRoute",
    "WaitReport",
    "WaitReports",
    "newest_first",
]
