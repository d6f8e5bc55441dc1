"""Work that EC2 does with instances: a reboot, or a stop and a start. A tag on the instance is the mark."""

from katakei.adapters.executors.ec2.executor import Ec2Executor

__all__ = ["Ec2Executor"]
