"""The program ``gpurules``, and ``python -m gpurules``: ended by a signal at any time, it ends in order."""

import sys

from gpurules.cli.process import signals

TYPE_CHECKING = False  # without the module typing, which takes longer to load than a signal may have to wait
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> "NoReturn":
    """Run the program and end the process."""
    try:
        signals.answer_early()
        from gpurules.cli.main import main as program  # loading it takes long enough to be interrupted

        program()
    except (KeyboardInterrupt, RuntimeError) as error:
        if not signals.is_interruption(error):
            raise
        code = signals.ended_early()
        sys.stderr.write(f"gpurules: {'interrupted' if code is None else 'terminated'}\n")
        sys.exit(130 if code is None else code)


if __name__ == "__main__":
    main()
