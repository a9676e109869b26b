"""Makes `python -m listbackup` the same as `listbackup`."""

from listbackup.cli.main import main

if __name__ == "__main__":
    main()
