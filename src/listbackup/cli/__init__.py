"""The command line: parse, call one operation, render. Knows no rule that an operation lacks."""
