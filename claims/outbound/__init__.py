"""Requests to addresses that others chose: through one guard, whoever asks."""
