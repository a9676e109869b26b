"""listbackup keeps safe copies of the lists a business runs on, and brings them back."""

__version__ = "0.1.0"
