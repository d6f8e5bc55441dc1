"""Planning: from a request and a survey of the load balancer to a plan, or to every reason against it.

Planning changes nothing (promise 8). Reasons are codes with data (`katakei.planning.reasons`), never sentences.
"""
