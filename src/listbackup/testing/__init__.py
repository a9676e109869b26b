"""What a connector's or store's author tests with: contract suites, and injectors of faults.

Imported by tests only; nothing of the product knows it.
"""
