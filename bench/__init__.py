"""The measured figures. Nothing here is asserted in a test: machines are noisy, ratios less so."""
