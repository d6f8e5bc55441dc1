"""The resource types that the lab can make, one module for each group of services."""

from collections.abc import Mapping

from katakei.lab.cloudformation.kinds import balancing, compute, network, permissions, storage
from katakei.lab.cloudformation.kinds.kind import Kind

KINDS: Mapping[str, Kind] = {
    kind.type: kind for module in (network, compute, balancing, permissions, storage) for kind in module.KINDS
}
