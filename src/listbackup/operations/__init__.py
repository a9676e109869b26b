"""What an actor may do, one short function each: take an App, give a result as data.

A result is a frozen dataclass of plain values, so that any face can show it. Knows no face.
"""
