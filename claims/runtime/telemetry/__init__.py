"""What the service tells its operators: metrics and traces, with no facility, episode key or name in them."""
