"""Syncs: what a source gives becomes a snapshot of a vault."""
