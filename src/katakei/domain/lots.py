"""How many targets leave, or come back, together: in a wide window one call for several of them spares AWS."""

from katakei.domain.plan import Plan

WIDE = 100  # from so many places in the window on, waiting for a few others costs hardly any time
ENOUGH = 6  # registrations in one call, on average: what has been called so gives no reason to wait
TOGETHER = 8  # of one group are waited for


def lot(plan: Plan, calls: int, called: int) -> int:
    """More than one only in a wide window whose `calls`, with `called` registrations in all, were not few."""
    many = plan.window >= WIDE and calls * ENOUGH > called
    return min(TOGETHER * len(plan.groups), plan.window // 12) if many else 1
