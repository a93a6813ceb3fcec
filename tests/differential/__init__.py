"""Our verifier beside others, on thousands of documents: every disagreement must have its explanation."""
