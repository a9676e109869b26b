"""Platforms of our own: stateful, honest doubles of SaaS platforms, written from their
specifications.

`state` holds what an account has, `application` answers requests over it, `faults` and `breaking`
make it fail as a provider fails, `transport` serves it in the same process and `server` over HTTP.
Each platform stands in a module or package of its name. Knows nothing of connectors but the shape
of a request and a response.
"""
