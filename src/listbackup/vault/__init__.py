"""The vault: where copies rest, immutable, committed by a signed ledger, sealed or plain.

`opening` finds and trusts a vault, `creation` makes one, `writer` takes one sync and commits it,
`reader` gives a snapshot back, `check` looks for what is damaged, lost, forged or rolled back.
Knows object stores and records; never a connector, a database or a face.
"""
