"""Reports of verifications after ETSI EN 319 102-1: what was found, how, and the facts it was found from."""
