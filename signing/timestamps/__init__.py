"""Time-stamps after RFC 3161: asking for one, reading one, judging one."""
