"""A hospital's own rules: data in its own folder, with conditions in CEL (Common Expression Language)."""
