"""The past of a vault: what changed, what was, and how to take it out; reads, never writes."""
