"""Other claims: what each one leaves behind, and what a later one asks of it.

A claim leaves marks: who or what was where, from when to when. Persons, beds, practitioners and episodes are
named by keyed digests, so that the marks of a whole province say nothing to whoever has no key.
"""
