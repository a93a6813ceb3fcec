"""What proves, without this service, what happened to a claim: records, their log, archives. Pure."""
