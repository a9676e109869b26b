"""The configuration file, listbackup.yaml: vault, named sources, retention, hooks."""
