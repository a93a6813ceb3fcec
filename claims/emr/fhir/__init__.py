"""FHIR R4 and R5 as an input: from bundles of resources to encounters, by the rules of what makes a row."""
