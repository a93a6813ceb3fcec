"""A claim as the paper form that people know: PDF/A with the signed XML inside and a code that leads back."""
