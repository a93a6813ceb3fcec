"""What reviewers see: the inbox, claims with an identical finding, a claim with everything known about it."""
