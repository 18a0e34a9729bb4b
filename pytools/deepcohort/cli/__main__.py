"""python -m deepcohort.cli."""

from deepcohort.cli import main

if __name__ == "__main__":  # processes started by `spawn` import this file again
    main()
