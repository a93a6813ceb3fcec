"""Reviewing: what becomes of a claim after the gateway took it. Triage, decisions, questions and answers."""
