"""Chaos: a whole installation under load whose parts are killed, cut off, frozen and filled up at random.

Nothing here knows how the service works inside. What it promised is compared, at the end, with what the
client was told, what the database holds and what the gateway took (`tests.chaos.checker`).
"""
