"""Authorities that others run, over the network: time-stamping, so far; and stand-ins for them."""
