"""Work through Systems Manager Run Command: an agent on the instance runs the mark's programs, with no open port."""

from katakei.adapters.executors.ssm.executor import SsmExecutor
from katakei.adapters.executors.ssm.program_runner import SsmProgramRunner

__all__ = ["SsmExecutor", "SsmProgramRunner"]
