"""The demo: the whole service on this machine, with made-up patients and a gateway that misbehaves."""

from claims.cli.demo.command import demo

__all__ = ["demo"]
