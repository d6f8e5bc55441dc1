"""Balancers: one file per load balancer (`alb` and its helpers). They ask and act, each call once; they decide nothing.

A balancer keeps the promise `Balancer` of core/ports.py; no foreign value and no foreign error passes its door.
"""
