"""Grafana dashboards, Prometheus rules and runbooks of kappawatch, generated from Python.

``python -m dashboards`` writes the generated files anew. Of the rest of kappawatch this package uses
the metric catalogue and, where it talks to Grafana, the two errors.
"""
