"""The insurer's gateway: its wire protocol, a client and a stand-in."""

from claims.gateway.calling import GatewaySettings
from claims.gateway.client import GatewayClient
from claims.gateway.protocol import (
    DECISION_130,
    DECISION_3176,
    DECISION_4210,
    DECISION_4750,
    GENERATIONS,
    BodyFormat,
    Generation,
    hash_password,
)

__all__ = [
    "DECISION_130",
    "DECISION_3176",
    "DECISION_4210",
    "DECISION_4750",
    "GENERATIONS",
    "BodyFormat",
    "GatewayClient",
    "GatewaySettings",
    "Generation",
    "hash_password",
]
