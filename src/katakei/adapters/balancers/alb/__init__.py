"""The AWS Application Load Balancer (ELBv2), spoken to through one door."""

from katakei.adapters.balancers.alb.driver import AlbBalancer

__all__ = ["AlbBalancer"]
