"""From an encounter to an unsigned bundle."""
