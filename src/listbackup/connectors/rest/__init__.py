"""Platforms behind HTTP APIs: one YAML describes a platform, and this package reads it.

Asynchronous inside, on one event loop of its own; outside it is a source like any other. Knows no
vault.
"""
