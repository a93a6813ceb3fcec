"""Authorities that others run, over the network: time-stamping and remote signing; and stand-ins for them."""
