"""What is wrong with a bundle: stages, findings and the report."""
