"""Composition: settings, logging and wiring; the only place that knows both sides."""
