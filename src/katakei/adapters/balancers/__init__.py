"""Balancers: one package per load balancer. They answer questions and carry out changes, each call once.

A balancer implements the port `Balancer`. It makes no decisions, and no foreign value or error leaves it.
"""
