"""Errors that a user can mend; everything else is a bug and keeps its traceback."""

from collections.abc import Sequence

USER_ERROR_EXIT_CODE = 2  # Nextflow never retries this one (conf/base.config)


class DeepcohortError(Exception):
    """A problem with input or settings: says what, where and the remedy, on one line."""


class InputProblems(DeepcohortError):
    """Several problems found together, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type["InputProblems"], tuple[tuple[str, ...]]]:
        return InputProblems, (self.problems,)  # an exception is pickled by its text otherwise
