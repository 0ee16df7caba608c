"""The experts of a running service: loaded when they are asked for, within a budget of memory, by their aliases."""

from api.service.experts.handle import PooledExpert
from api.service.experts.pool import ExpertPool

__all__ = ["ExpertPool", "PooledExpert"]
