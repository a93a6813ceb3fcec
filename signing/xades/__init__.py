"""XAdES after ETSI EN 319 132-1: what makes a signature more than a signature, up to long-term archives."""
