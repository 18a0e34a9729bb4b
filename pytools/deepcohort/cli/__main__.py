"""python -m deepcohort.cli."""

from deepcohort.cli import main

main()
