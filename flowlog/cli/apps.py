"""Finding a user's app from `module:attr` or `file.py[:attr]`, with errors a person can act on."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from flowlog.errors import FlowlogError

NOT_FOUND: Final = "APP_NOT_FOUND"
FAILED: Final = "APP_FAILED"


@dataclass(frozen=True, slots=True)
class AppTarget:
    """Where an app is: a file or a module, and the attribute's name ("" to look for the app)."""

    module: str
    file: Path | None
    attribute: str

    def source(self) -> Path | None:
        """The file or package folder to watch; None where the module cannot be found."""
        if self.file is not None:
            return self.file
        with _import_path(Path.cwd()):
            try:
                spec = importlib.util.find_spec(self.module.partition(".")[0])
            except (ImportError, ValueError):
                return None
        if spec is None or spec.origin is None:
            return None
        origin = Path(spec.origin)
        return origin.parent if origin.name == "__init__.py" else origin


def parse_target(text: str) -> AppTarget:
    """Read `module:attr`, `module`, `file.py` or `file.py:attr`.

    Raises:
        FlowlogError: APP_NOT_FOUND; a file that is not there.
    """
    name, separator, attribute = text.rpartition(":")
    # The colon of a Windows drive is no separator.
    if not separator or os.sep in attribute or "/" in attribute:
        name, attribute = text, ""
    if not name.endswith(".py"):
        return AppTarget(name, None, attribute)
    file = Path(name).absolute()
    if not file.is_file():
        near = [path.name for path in file.parent.glob("*.py")] if file.parent.is_dir() else []
        close = get_close_matches(file.name, near, n=1)
        raise FlowlogError(
            f"no file {name!r}",
            code=NOT_FOUND,
            hint=f"did you mean {close[0]!r}?" if close else "",
        )
    return AppTarget(file.stem, file, attribute)


def load_app(text: str) -> Any:
    """Import the module and return its app.

    Raises:
        FlowlogError: APP_NOT_FOUND (no such module or attribute, or it is no app), APP_FAILED
            (importing it raised).
    """
    target = parse_target(text)
    module = _import(target)
    return _pick(module, target)


def _import(target: AppTarget) -> ModuleType:
    try:
        if target.file is not None:
            return _import_file(target.module, target.file)
        with _import_path(Path.cwd()):
            return importlib.import_module(target.module)
    except ModuleNotFoundError as error:
        if error.name is not None and (target.module + ".").startswith(error.name + "."):
            raise FlowlogError(
                f"no module {target.module!r}",
                code=NOT_FOUND,
                hint="give a file as in app.py, or a module that python can import as in shop.app:app",
            ) from None
        raise _failed(target, error) from error
    except SyntaxError as error:
        place = f"{_short(error.filename)}:{error.lineno}"
        raise FlowlogError(
            f"{place}: {type(error).__name__}: {error.msg}",
            code=FAILED,
            hint=(error.text or "").strip(),
        ) from error
    except Exception as error:
        raise _failed(target, error) from error


def _import_file(name: str, file: Path) -> ModuleType:
    """Import a file under its own name, its folder importable as if python had run it."""
    folder = str(file.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, f"{file} is a python file"
    assert spec.loader is not None, f"{file} is a python file"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _pick(module: ModuleType, target: AppTarget) -> Any:
    apps = {name: value for name, value in vars(module).items() if is_app(value)}
    if target.attribute:
        if target.attribute in apps:
            return apps[target.attribute]
        close = get_close_matches(target.attribute, apps, n=1) or list(apps)[:1]
        raise FlowlogError(
            f"{target.module} has no app named {target.attribute!r}",
            code=NOT_FOUND,
            hint=f"did you mean {close[0]!r}?" if close else "it makes no fl.App",
        )
    if "app" in apps:
        return apps["app"]
    distinct = {id(value): name for name, value in apps.items()}
    if len(distinct) == 1:
        return next(iter(apps.values()))
    if not apps:
        raise FlowlogError(
            f"{target.module} makes no app", code=NOT_FOUND, hint='as in app = fl.App("shop")'
        )
    names = ", ".join(sorted(distinct.values()))
    raise FlowlogError(
        f"{target.module} has several apps: {names}", code=NOT_FOUND, hint="name one after a colon"
    )


def is_app(value: object) -> bool:
    """Whether the value is an `fl.App`, told without importing the streams package."""
    return any(
        base.__name__ == "App" and base.__module__.startswith("flowlog.")
        for base in type(value).__mro__
    )


def _failed(target: AppTarget, error: BaseException) -> FlowlogError:
    """Importing raised: name the user's line, which is the last one outside the import system."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and Path(frame.filename) != Path(__file__)
    ]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    candidates = own or frames
    place = f"{_short(candidates[-1].filename)}:{candidates[-1].lineno}" if candidates else ""
    return FlowlogError(
        f"{place or target.module}: {type(error).__name__}: {error}",
        code=FAILED,
        hint=(candidates[-1].line or "") if candidates else "",
    )


def _short(filename: str | None) -> str:
    if filename is None:
        return "?"
    relative = os.path.relpath(filename)
    return filename if relative.startswith("..") else relative


class _import_path:
    """While inside, and afterwards: modules in the folder can be imported, as `python -m` does."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def __enter__(self) -> None:
        if self._folder not in sys.path:
            sys.path.insert(0, self._folder)

    def __exit__(self, *_: object) -> None:
        """The app may import more of its folder while it runs."""
