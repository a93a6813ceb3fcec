"""The doctor: what an installation needs, checked one by one, each fault with what to do about it."""

from claims.runtime.doctor.examination import examine
from claims.runtime.doctor.findings import Examined

__all__ = ["Examined", "examine"]
