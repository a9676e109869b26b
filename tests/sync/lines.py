"""What a snapshot has of a stream, as a test writes it."""

from listbackup.testing.vaults import Trial


def shown(trial: Trial, words: str = "latest", name: str = "t") -> list[str]:
    """Give the lines of a stream of two columns, each as `key=value`, in order."""
    lines = trial.restore(words)[name].decode().split("\n")[:-1]
    return sorted(line.replace("\t", "=") for line in lines)
