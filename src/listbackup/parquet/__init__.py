"""The typed view: source form in, Parquet out; for people and their tools, never for a restore."""
