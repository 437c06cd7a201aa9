"""`sam local start-lambda` on the build output: started, called, ended."""

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.build.output import build_output
from tools.template import ROOT

_SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
_START_LIMIT_S = 60
_STOP_LIMIT_S = 60
# The first call of each function makes its image and its container.
_INVOKE_LIMIT_S = 180


class SamLocal:
    """A running `sam local start-lambda`; `lab_host` is the lab's address and port as its containers see it."""

    def __init__(self, url: str, lab_host: str, log: Path) -> None:
        self._url = url
        self.lab_host = lab_host
        self._log = log

    def invoke(self, logical_id: str, event: dict[str, Any]) -> Any:
        """The function's reply. A function's error is a reply too: SAM CLI gives it with status 200 and no header."""
        request = urllib.request.Request(
            f"{self._url}/2015-03-31/functions/{logical_id}/invocations", data=json.dumps(event).encode()
        )
        with urllib.request.urlopen(request, timeout=_INVOKE_LIMIT_S) as response:
            body = response.read()
        return json.loads(body) if body else None

    def last_words(self) -> str:
        """The end of what it and the functions printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]


@contextmanager
def started(
    environment: dict[str, str], *, image: str, variables: Path, folder: Path, lab_host: str
) -> Iterator[SamLocal]:
    """SAM CLI on a free loopback port; its containers are removed at the end.

    `variables` is a file of each function's environment by logical id; its log and its layers go below `folder`.
    """
    port, log = free_port(), folder / "sam.log"
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--template": str(build_output() / "template.yaml"),
        "--env-vars": str(variables),
        "--invoke-image": image,
        "--warm-containers": "LAZY",
        "--layer-cache-basedir": str(folder / "layers"),
    }
    command = [str(_SAM), "local", "start-lambda", "--skip-pull-image"]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, *(word for option in options.items() for word in option)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        running = SamLocal(f"http://127.0.0.1:{port}", lab_host, log)
        await_answer(port, process, running)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)  # a background process would ignore SIGINT
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def await_answer(port: int, process: subprocess.Popen[bytes], running: SamLocal) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        except urllib.error.HTTPError:
            return  # it answers; that nothing is at this path does not matter
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"sam local start-lambda did not start: …{running.last_words()}")
