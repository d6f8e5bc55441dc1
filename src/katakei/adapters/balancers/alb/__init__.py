"""The AWS Application Load Balancer (ELBv2) as a balancer."""

from katakei.adapters.balancers.alb.balancer import AlbBalancer

__all__ = ["AlbBalancer"]
