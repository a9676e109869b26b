"""What the YAML of a platform may say: every key, and what it means.

The classes are the whole of it: a key that is not here is refused, with its path. Three kinds of
placeholders stand in texts (`placeholders`); there is no template language and no code.

Knows no transport and no vault; nothing here sends a request.
"""
