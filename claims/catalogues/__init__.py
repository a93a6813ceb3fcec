"""One facility's lists and code maps: read with every fault reported, asked by code and day."""
