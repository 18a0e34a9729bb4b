"""What callers of a model see, whichever runtime is behind it."""

DEVICES = ("auto", "cpu", "cuda")
N_CLASSES = 3  # copies of the candidate's ALT: 0, 1, 2
