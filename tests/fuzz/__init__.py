"""Mutants of signed documents, by the thousand: what is changed must not pass."""
