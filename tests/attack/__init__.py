"""Attacks on a running instance."""
