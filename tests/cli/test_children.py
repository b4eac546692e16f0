"""Child processes: their events, their end, and that they do not outlive a killed parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from queue import SimpleQueue

import pytest

from flowlog.cli.children import Child, ChildExited, ChildLine, Events, StopAsked, stop_signals
from flowlog.cli.dev_session import wait_event

WAIT_S = 20.0


def test_a_child_says_its_lines_and_then_that_it_ended() -> None:
    events: Events = SimpleQueue()
    child = Child("broker", ["broker", "--config", "absent.toml"], events, read_errors=True)
    assert wait_event(events, WAIT_S) == ChildLine("broker", "error[CONFIG]: no file 'absent.toml'")
    assert wait_event(events, WAIT_S) == ChildExited("broker", 2, child)
    child.stop()


def test_stop_signals_become_events_and_handlers_come_back() -> None:
    events: Events = SimpleQueue()
    before = signal.getsignal(signal.SIGTERM)
    with stop_signals(events):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert wait_event(events, WAIT_S) == StopAsked()
        assert wait_event(events, WAIT_S) == StopAsked()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_an_orphan_ends_and_deletes_the_folder_after_the_parent_was_killed(tmp_path: Path) -> None:
    """The parent is killed with SIGKILL, so it can do nothing itself."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").write_text("x")
    child = "from flowlog.cli import lifeline as l; import os, threading; l.hold(); "
    child += "print(os.getpid(), flush=True); threading.Event().wait()"
    parent = textwrap.dedent(
        f"""
        import os, subprocess, sys, time
        from pathlib import Path
        from flowlog.cli import lifeline
        environ = {{**os.environ, **lifeline.environment(remove=Path({str(data)!r}))}}
        kept = subprocess.Popen([sys.executable, "-c", {child!r}], stdin=subprocess.PIPE, env=environ,
                         start_new_session=True)
        time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        int(process.stdout.readline())  # the child holds on to its lifeline
        assert data.exists()
        process.kill()
        # The child keeps the pipe's write end open until it has ended.
        assert process.stdout.read() == b""
    assert not data.exists()
