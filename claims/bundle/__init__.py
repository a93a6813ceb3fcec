"""What a claim is: envelope, tables, code lists, money and findings."""
