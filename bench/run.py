"""Measures listbackup beside its peers: `make bench`, or `make bench ARGS="--rows 100000"`.

`bench/README.md` says what is measured and how to read it.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from bench.suite import main

    sys.exit(main(sys.argv[1:]))
