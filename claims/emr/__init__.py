"""What a hospital knows: an encounter, read from its own formats."""
