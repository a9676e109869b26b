"""A sandbox of Stripe: accounts in live and test mode, lists, events, writing, limits and keys.

`application` answers; `books` hold what one account has in one mode; `resources` say which
operations there are. Its objects have the shape of the API versions in `versions`.
"""
