"""``python -m gpurules``: the same as the program ``gpurules``."""

from gpurules.cli.main import main

if __name__ == "__main__":
    main()
