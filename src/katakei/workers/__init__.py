"""The workers: processes that share the rollouts of one PostgreSQL journal, by the task queue Procrastinate.

The queue decides only which process takes the next turn. The lease of a rollout decides who may act (docs/workers.md).
"""
