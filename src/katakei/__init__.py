"""Rolling updates for the servers behind an AWS load balancer, one side at a time (片系ずつ)."""

__version__ = "0.1.0"
