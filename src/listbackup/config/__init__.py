"""The configuration file, listbackup.yaml: where it is, what it may say, and where each setting
comes from.

yaml and pydantic are imported by `reading`, `models` and `loading` alone, and those only once a
file was found. Knows no vault and no database.
"""
