"""Help, short options, old names and last line of every command, laid over what typer made of it.

Help is plain text of our own: rich would cost a third of a second at each start, and typer's two columns
leave no room for words at 80 columns.
"""

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from deepcohort.cli.layout import EXAMPLES, OLD_NAMES, PANELS, SHORT, SHORT_HERE
from deepcohort.cli.places import EITHER, FOLDER, OUTPUTS, PREFIX

_NAMES_WIDTH = 28
_MOST_COLUMNS = 100
_WORDS = {int: "N", float: "X", Path: "PATH"}


def dress(command: Any, name: str) -> Any:
    """`command` with short options, old names, and help of our own; those of a group likewise."""
    command.context_settings = {**command.context_settings, "help_option_names": ["-h", "--help"]}
    if hasattr(command, "commands"):
        for key, child in command.commands.items():
            dress(child, f"{name} {key}")
    else:
        _add_names(command, name)
        parse = command.parse_args
        old = OLD_NAMES.get(name, {})
        command.parse_args = lambda context, args: parse(context, _renamed(args, old))
    command.get_help = lambda context: _command_help(command, name, context)
    return command


def _add_names(command: Any, name: str) -> None:
    """Short options where their letter is free, and the old names of options."""
    taken = {option for parameter in command.params for option in parameter.opts} | {"-h"}
    for parameter in command.params:
        short = SHORT_HERE.get((name, parameter.name)) or SHORT.get(parameter.name)
        if short and short not in taken and parameter.opts[0].startswith("-"):
            parameter.opts.insert(0, short)
            taken.add(short)
        for old, new in OLD_NAMES.get(name, {}).items():
            if new in parameter.opts and old not in parameter.opts:
                parameter.opts.append(old)


def _renamed(args: Sequence[str], old: Mapping[str, str]) -> list[str]:
    """The words of a command line, and a line on stderr for each old name among them; "" = to be left out."""
    told: set[str] = set()
    words = []
    for word in args:
        option, equals, value = word.partition("=")
        if option not in old:
            words.append(word)
            continue
        new = old[option]
        if option not in told:
            told.add(option)
            advice = f"is now {new}" if new else "says nothing; leave it out"
            print(f"deepcohort: {option} {advice}", file=sys.stderr)
        if new:
            words.append(f"{new}{equals}{value}")
    return words


def width() -> int:
    """Columns that help may use."""
    return max(60, min(shutil.get_terminal_size().columns, _MOST_COLUMNS))


def _rows(rows: Sequence[tuple[str, str]], names_width: int = _NAMES_WIDTH) -> list[str]:
    """Two columns; a name too long for the first has a line of its own."""
    lines = []
    for name, text in rows:
        words = textwrap.wrap(text, width() - names_width - 4, break_long_words=False) or [""]
        if len(name) > names_width:
            lines.append(f"  {name}")
            words.insert(0, "")
        for k, line in enumerate(words):
            if line or k:
                left = name if k == 0 else ""
                lines.append(f"  {left:<{names_width}}  {line}".rstrip())
    return lines


def _value_of(parameter: Any) -> str:
    """What an option wants: FILE, FOLDER, N, X, TEXT; nothing for a switch."""
    if getattr(parameter, "is_flag", False):
        return ""
    if parameter.metavar:
        return str(parameter.metavar)
    kind = parameter.type_descriptor.annotation
    parts = get_args(kind) if get_origin(kind) in (list, tuple) else (kind,)
    words = " ".join(_WORDS.get(part, "TEXT") for part in parts if part is not Ellipsis)
    if words == "PATH":
        words = "FOLDER" if "older" in (parameter.help or "").split(".")[0].split(":")[0] else "FILE"
    return words


def _names_of(parameter: Any, old: Mapping[str, str]) -> str:
    names = [name for name in parameter.opts if name not in old]
    off = [name for name in parameter.secondary_opts if name not in old]
    if off == [f"--no-{names[-1].removeprefix('--')}"]:
        names[-1], off = f"--[no-]{names[-1].removeprefix('--')}", []
    names += off
    indent = "" if names[0].startswith("-") and not names[0].startswith("--") else "    "
    return " ".join(filter(None, (indent + ", ".join(names), _value_of(parameter))))


def _help_of(parameter: Any) -> str:
    text = parameter.help or ""
    default = parameter.default
    if parameter.multiple and "repeat" not in text.lower():
        text += " Repeat for more."
    if getattr(parameter, "is_flag", False):
        if not parameter.secondary_opts:
            return text
        if parameter.secondary_opts[0].startswith("--no-"):
            return text + (" [on]" if default else " [off]" if default is False else "")
        return f"{text} [{(parameter.opts if default else parameter.secondary_opts)[-1]}]"
    if default not in (None, "", (), []) and not parameter.required and "efault" not in text:
        text += f" [{default}]"
    return text


def _command_help(command: Any, name: str, context: Any) -> str:
    """Help of a command or group, at most `width()` columns."""
    text = " ".join((command.help or "").split())
    lines = [f"Usage: deepcohort {_usage(command, name)}", "", *textwrap.wrap(text, width()), ""]
    if hasattr(command, "commands"):
        lines += ["Commands", *_rows([(k, _first_line(c)) for k, c in command.commands.items()], 12), ""]
        return "\n".join([*lines, f"deepcohort {name} COMMAND -h says more."])
    old = OLD_NAMES.get(name, {})
    panels: dict[str, list[tuple[str, str]]] = {"Needed": [], "Options": []}
    for parameter in command.params:
        if parameter.hidden or not getattr(parameter, "expose_value", True):
            continue
        panel = "Needed" if parameter.required else (getattr(parameter, "rich_help_panel", None) or "Options")
        shown = _names_of(parameter, old) if parameter.opts[0].startswith("-") else parameter.name.upper()
        panels.setdefault(panel, []).append((shown, _help_of(parameter)))
    panels["Options"].append(("-h, --help", "This text."))
    for panel, rows in panels.items():
        if rows:
            lines += [panel, *_rows(rows), ""]
    return "\n".join([*lines, *_examples(command, name)])


def _usage(command: Any, name: str) -> str:
    if hasattr(command, "commands"):
        return f"{name} COMMAND"
    needed = []
    for parameter in command.params:
        if parameter.required:
            is_option = parameter.opts[0].startswith("-")
            needed.append(
                f"{parameter.opts[0]} {_value_of(parameter)}" if is_option else parameter.name.upper()
            )
    words = " ".join([name, *needed, "[options]"])
    return textwrap.fill(words, width() - 18, subsequent_indent=" " * 18, break_on_hyphens=False)


def _first_line(command: Any) -> str:
    return str((command.help or "").strip().split("\n")[0])


def _examples(command: Any, name: str) -> list[str]:
    """Examples with their purpose; made of what is needed where none was written."""
    given = EXAMPLES.get(name) or (("", _usage(command, name).replace(" [options]", "")),)
    lines = ["Examples" if len(given) > 1 else "Example"]
    for purpose, words in given:
        lines += [f"  # {purpose}"] if purpose else []
        lines += textwrap.wrap(
            f"deepcohort {' '.join(words.split())}",
            width() - 4,
            initial_indent="  ",
            subsequent_indent="      ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines = _continued(lines)
    return lines


def _continued(lines: list[str]) -> list[str]:
    """Lines of a command that go on end in a backslash, so that they can be pasted."""
    for k in range(1, len(lines)):
        if lines[k].startswith("      ") and not lines[k - 1].endswith("\\"):
            lines[k - 1] += " \\"
    return lines


def group_help(commands: Mapping[str, str], about: str) -> str:
    """Help of `deepcohort` itself: commands in panels."""
    lines = ["Usage: deepcohort COMMAND [options]", "", *textwrap.wrap(about, width()), ""]
    placed = {name for names in PANELS.values() for name in names}
    other = {"Other": tuple(name for name in commands if name not in placed)}
    for panel, names in {**PANELS, **other}.items():
        rows = [(name, commands[name]) for name in names if name in commands]
        if rows:
            lines += [panel, *_rows(rows, 12), ""]
    lines += ["Options", *_rows([("-h, --help", "This text."), ("--version", "Print the version.")], 12), ""]
    return "\n".join([*lines, "deepcohort COMMAND -h explains a command, with examples."])


def _with_suffixes(prefix: Path, format_: str) -> list[str]:
    """Files of an export; others of the prefix, such as the VCF that it is of, are none."""
    from deepcohort.export.io_export import OUTPUTS as SUFFIXES

    paths = (f"{prefix}{suffix}" for suffix in SUFFIXES[format_])
    return sorted(path for path in paths if Path(path).is_file())


def tell_written(command: str, values: Mapping[str, Any]) -> None:
    """Say on stderr, in one last line, which files and folders a command has written."""
    if values.get("quiet"):
        return
    written = []
    for name, kind in OUTPUTS.get(command, {}).items():
        path = Path(values[name]) if values.get(name) else None
        if path is None:
            continue
        if kind == PREFIX:
            written += _with_suffixes(path, values["format_"])
        elif path.is_dir() and kind in (FOLDER, EITHER):
            written.append(f"{path}/")
        elif path.is_file():
            index = next((s for s in (".tbi", ".csi") if Path(f"{path}{s}").exists()), "")
            written.append(f"{path} (and {index})" if index else str(path))
    if written:
        print(f"deepcohort {command}: wrote {', '.join(written)}", file=sys.stderr)
