"""Who may do what: callers, the table of rights, and how somebody proves who he is."""
