"""The SQLite connector: one database file, read through a private copy, written as a new file."""
