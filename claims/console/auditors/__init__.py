"""Pages for those who watch over the service: who read what of patients, and who may do what."""
