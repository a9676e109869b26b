"""Servers and sample data of our own, for trying the product, for tests and for the demo.

Everything here is thrown away by what made it. Knows nothing of vaults and snapshots.
"""
