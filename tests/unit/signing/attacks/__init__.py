"""The table of attacks: what is tried on a verifier, by class, and what this one answers."""
