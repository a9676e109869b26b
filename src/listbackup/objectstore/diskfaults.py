"""What an error of the disk means to whoever keeps objects on it, and what to do about it."""

import errno

from listbackup.errors import StoreError


def explain(error: OSError, doing: str, subject: str) -> StoreError:
    """Say what an error of the disk means and what to do about it."""
    hints = {
        errno.ENOSPC: "The disk is full: free some space there",
        errno.EDQUOT: "The quota is used up: raise it or free some space there",
        errno.EROFS: "It is mounted read-only: mount it for writing",
        errno.EACCES: "Give this user the right to read and write there",
        errno.EPERM: "Give this user the right to read and write there",
        errno.EIO: "The disk reports errors: look at the kernel log, and save what it holds",
    }
    hint = hints.get(error.errno or 0, "Check the directory and the disk that it lies on")
    return StoreError(
        f"{doing} failed: {error.strerror or error}",
        subject=subject,
        hint=f"{hint}, then run the command again.",
    )
