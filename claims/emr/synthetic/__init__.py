"""Made-up encounters, the same for the same seed: as documents, as FHIR bundles and as HL7 v2 messages."""

from claims.emr.synthetic.encounters import BENCHMARK_MIX, DEFAULT_MIX, Mix, generate_encounters

__all__ = ["BENCHMARK_MIX", "DEFAULT_MIX", "Mix", "generate_encounters"]
