"""Pages for administrators: who signs in, and what each may do."""
