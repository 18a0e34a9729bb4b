"""Where the command `deepcohort` begins: it listens to signals before the imports, which take a while."""

import sys

from deepcohort.core.stopping import listen


def main() -> None:
    """The command line; Ctrl-C while it is still being loaded ends it without a trace."""
    listen()
    try:
        from deepcohort.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
