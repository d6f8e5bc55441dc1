"""Work through Systems Manager Run Command: an agent on the instance runs the mark's programs; no door is opened."""

from katakei.adapters.executors.ssm.carrier import SsmCarrier
from katakei.adapters.executors.ssm.driver import SsmExecutor

__all__ = ["SsmCarrier", "SsmExecutor"]
