"""A process that answers JSON requests, one a line, and reports events in between."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.e2e.clients.model import ClientError

_CALL_TIMEOUT_S = 60.0


class Bridge:
    """Owns the process. Calls come from one thread; events go to their member's handler."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            text=True,
            bufsize=1,
        )
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._handlers: dict[int, Callable[[dict[str, Any]], None]] = {}
        # A member reports before `join` has answered with its number: kept until it is known.
        self._early: dict[int, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._next_id = 0
        self._reader = threading.Thread(target=self._read_lines, name="bridge")
        self._reader.start()

    def call(self, operation: str, **arguments: object) -> Any:
        """Ask and wait. Raises `ClientError` with the library's message and the wire's code."""
        self._next_id += 1
        assert self._process.stdin is not None
        line = {"id": self._next_id, "op": operation, "args": arguments}
        self._process.stdin.write(json.dumps(line) + "\n")
        answer = self._answers.get(timeout=_CALL_TIMEOUT_S)
        if answer is None:
            raise ClientError(f"it ended with code {self._process.wait()} during {operation}")
        assert answer["id"] == self._next_id, "one call at a time"
        if "error" in answer:
            raise ClientError(answer["error"], code=answer["code"])
        return answer["result"]

    def listen(self, member: int, handler: Callable[[dict[str, Any]], None]) -> None:
        """Give all events of `member` to `handler`, from the first on."""
        with self._lock:
            self._handlers[member] = handler
            for event in self._early.pop(member, []):
                handler(event)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(_CALL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self._process.wait()
            self._reader.join()
            self._process.stdout.close()

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "id" in message:
                self._answers.put(message)
            else:
                self._on_event(message["member"], message)
        self._answers.put(None)

    def _on_event(self, member: int, event: dict[str, Any]) -> None:
        with self._lock:
            handler = self._handlers.get(member)
            if handler is None:
                self._early.setdefault(member, []).append(event)
            else:
                handler(event)
