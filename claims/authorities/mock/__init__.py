"""Stand-ins for authorities, for trials: they stamp and sign whatever they are sent."""
