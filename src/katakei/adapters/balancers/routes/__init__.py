"""The listeners and rules of ELBv2 load balancers, whose weights a switch moves.

A package of its own: rolling updates need none of these rights (`planning.iam.CALLS`).
"""

from katakei.adapters.balancers.routes.router import AlbRouter, RouteLines

__all__ = ["AlbRouter", "RouteLines"]
