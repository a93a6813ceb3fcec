"""The papers that resources give of their own: discharge, summary, births, leaves, referral, appointment."""

from claims.emr.fhir.charts import Chart, Charts
from claims.emr.papers import Documents


def read_papers(charts: Charts, chart: Chart) -> Documents:
    """Return the papers of an encounter."""
    del charts, chart
    return Documents()
