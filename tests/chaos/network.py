"""Hosts of their own on one machine: network namespaces, each with a cable that can be pulled. Needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace: its name, its address, and this machine's end of its cable."""

    namespace: str
    address: str
    cable: str

    def cut(self) -> None:
        """Pull the cable: whatever the host sends is swallowed without a word."""
        _ip("link", "set", self.cable, "down")

    def heal(self) -> None:
        """Plug it in again."""
        _ip("link", "set", self.cable, "up")


@dataclass(frozen=True, slots=True)
class Network:
    """An address of this machine that all hosts reach, and the hosts."""

    address: str
    hosts: tuple[Host, ...]


@contextmanager
def private_network(hosts: int) -> Iterator[Network]:
    """Lay out so many hosts; take everything down in the end."""
    number = os.getpid() % 250
    here = f"10.213.{number}.254"
    with ExitStack() as stack:
        _ip("address", "add", f"{here}/32", "dev", "lo")
        stack.callback(_ip, "address", "del", f"{here}/32", "dev", "lo")
        yield Network(here, tuple(stack.enter_context(_host(number, one)) for one in range(hosts)))


@contextmanager
def _host(number: int, one: int) -> Iterator[Host]:
    host = Host(f"ehoso{number}n{one}", f"10.213.{number}.{4 * one + 2}", f"eho{number}n{one}")
    gateway, plug = f"10.213.{number}.{4 * one + 1}", f"{host.cable}p"
    _ip("netns", "add", host.namespace)
    try:
        _ip("link", "add", host.cable, "type", "veth", "peer", "name", plug, "netns", host.namespace)
        _ip("address", "add", f"{gateway}/30", "dev", host.cable)
        _ip("link", "set", host.cable, "up")
        _ip("-n", host.namespace, "link", "set", "lo", "up")
        _ip("-n", host.namespace, "address", "add", f"{host.address}/30", "dev", plug)
        _ip("-n", host.namespace, "link", "set", plug, "up")
        _ip("-n", host.namespace, "route", "add", "default", "via", gateway)
        yield host
    finally:
        _ip("netns", "del", host.namespace)  # the cable goes with it


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
