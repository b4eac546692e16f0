"""Which folders an app's reload watches, and the thread that watches them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from .children import Events, FilesChanged


def watch_folders(source: Path) -> list[Path]:
    """The folders whose Python files make a reload, none below another's responsibility.

    A file's own folder, without its sub-folders except packages: so an app in a home folder does
    not watch the whole disk.
    """
    folder = source if source.is_dir() else source.parent
    return [folder, *_packages_in(folder)]


def _packages_in(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if (entry / "__init__.py").is_file():
            yield entry
            yield from _packages_in(entry)


class Watcher:
    """A context manager: while inside, saved Python files become `FilesChanged` events."""

    def __init__(self, source: Path, events: Events) -> None:
        self._folders = watch_folders(source)
        self._events = events
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _watch(self) -> None:
        from watchfiles import PythonFilter, watch

        for changes in watch(
            *self._folders,
            watch_filter=PythonFilter(),
            stop_event=self._stop,
            recursive=False,
            debounce=300,
            raise_interrupt=False,
        ):
            self._events.put(FilesChanged(tuple(sorted(path for _kind, path in changes))))
