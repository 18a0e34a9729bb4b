"""deepcohort: germline variant calling of many samples by deep learning."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("deepcohort")
except PackageNotFoundError:  # a source tree on PYTHONPATH, not installed
    __version__ = "0.0.0"
