"""Sealing, signing and wrapping of bytes. Knows nothing of vaults, keys' places or files."""
