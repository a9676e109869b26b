"""Restores that prove themselves: plan, apply, read again, compare with the snapshot.

Engine-neutral: destinations and readings come in by argument. Knows no vault.
"""
