"""Wiring: builds the use cases out of adapters. The only place that knows both sides.

One class, told in seven parts: each adds to those before, and the last is the service.
"""

from claims.runtime.wiring.service import Service, prepare_process

__all__ = ["Service", "prepare_process"]
