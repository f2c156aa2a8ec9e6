"""The program ``gpurules``, and ``python -m gpurules``: interrupted at any time, it ends with one line and 130."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the program and end the process."""
    try:
        from gpurules.cli.main import main as program  # loading it takes long enough to be interrupted

        program()
    except KeyboardInterrupt:
        sys.stderr.write("gpurules: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
