"""Balancers: one folder per load balancer. They ask and act, each call once; they decide nothing.

A balancer keeps the promise `Balancer` of core/ports.py; no foreign value and no foreign error passes its door.
"""
