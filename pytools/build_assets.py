"""Build hook: the wheel carries the shipped models and sequencer profiles as deepcohort/assets."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("models", "profiles")


class Assets(BuildHookInterface):  # type: ignore[type-arg]
    """Adds ../assets to a wheel; an editable install finds them in the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tell the builder which files lie where; none where a build has no assets (the image adds them)."""
        assets = Path(self.root).parent / "assets"
        if version != "standard":
            return
        for path in (path for name in FOLDERS for path in sorted((assets / name).rglob("*"))):
            if path.is_file():
                build_data["force_include"][str(path)] = f"deepcohort/assets/{path.relative_to(assets)}"
