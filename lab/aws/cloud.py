"""One AWS account on this machine: MiniStack in this process, on 127.0.0.1 only.

MiniStack itself lets every web page call it and read its responses. Here only programs, and links to stored objects,
are
accepted: see pstn/http_guard.py.

Rule: MiniStack keeps its state in module variables, so a process holds at most one running cloud; starting another
after stopping the first begins with an empty account.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvloop
from botocore.config import Config

from lab.aws import overlay
from lab.aws.connect import connect
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ACCOUNT, LOOPBACK, REGION, ministack
from lab.aws.overlay import (
    alarms,
    cold_partitions,
    event_sources,
    invocations,
    lambda_process,
    own_services,
    passing,
    retention,
    schedules,
    throttling,
    timing,
)
from lab.aws.overlay.invocations import Watcher
from lab.aws.overlay.requests import Handler
from lab.aws.overlay.task_tokens import TOKENS
from lab.aws.runtime import runtime_path
from lab.aws.switches import CloudSwitches, use
from pstn.http_guard import Scope, guarded
from pstn.http_serving import serving

_PORT_NAMES = ("DEFAULT_PORT", "_PORT", "_GATEWAY_PORT", "_MINISTACK_PORT", "_DEFAULT_PORT")
_LOGGERS = ("ministack", "lambda", "lambda_runtime", "states", "cloudformation", "eventbridge", "scheduler", "sqs")
_STORED_OBJECT = re.compile(r"/[a-z0-9][a-z0-9.-]+/.+")
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class CloudError(Exception):
    """The local AWS could not be started."""


class Cloud:
    """Start it, use `client`, stop it; or use it as a context manager.

    Args:
        auth: check signatures and policies; functions and state machines then use their roles.
        state_dir: directory for unpacked packages and other working files; created if necessary.
        port: of the AWS endpoint; 0 picks a free one.
        corrected: apply the overlay; False only to show what MiniStack does by itself.
        switches: what AWS's documentation leaves open; may be changed later, for executions that start afterwards.
    """

    account, region = ACCOUNT, REGION

    def __init__(
        self,
        *,
        auth: bool = False,
        state_dir: Path = Path(".lab"),
        port: int = 0,
        corrected: bool = True,
        switches: CloudSwitches | None = None,
    ) -> None:
        self.auth = auth
        self.state_dir = state_dir.resolve()
        self._wanted_port, self._corrected = port, corrected
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._shutdown: asyncio.Event | None = None
        self._saved_environment: dict[str, str | None] = {}
        self._work_dir: Path | None = None
        self._clients: dict[str, Any] = {}
        self._switches = switches or CloudSwitches()

    @property
    def url(self) -> str:
        """The endpoint of every AWS service."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def switches(self) -> CloudSwitches:
        """The switches for executions that start from now on."""
        return self._switches

    @switches.setter
    def switches(self, chosen: CloudSwitches) -> None:
        self._switches = chosen
        use(chosen)

    def __enter__(self) -> Cloud:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Cloud:
        """Start serving; returns when requests are answered.

        Raises:
            CloudError: it did not start, or another cloud is running in this process.
            OSError: the port is in use.
        """
        if is_running():
            raise CloudError("A cloud is already running in this process")
        if not self._corrected and overlay.applied():
            raise CloudError("This process's MiniStack has already been corrected")
        listener = socket.create_server((LOOPBACK, self._wanted_port), backlog=512)
        self.port = listener.getsockname()[1]
        self._set_environment()
        app = ministack("app")
        app.AUTH = self.auth
        _set_port(str(self.port))
        _set_log_levels()
        if self._corrected:
            overlay.apply()
        timing.resume()
        use(self._switches)
        PLAN.begin()
        ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._serve, args=(listener, ready), name="cloud", daemon=True)
        self._thread.start()
        try:
            ready.result(_START_SECONDS)
        except Exception as error:  # for whatever reason it did not start: stop what did
            self.stop()
            raise CloudError(f"The local AWS did not start: {error}") from error
        return self

    def stop(self) -> None:
        """End every process, execution and listener of this cloud and forget its resources. Safe to repeat."""
        if self._thread is None:
            return
        timing.halt()
        TOKENS.stop()
        if self._loop is not None and self._shutdown is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._shutdown.set)
        self._thread.join(_STOP_SECONDS)
        for process in lambda_process.processes():
            process.kill()
        ministack("core.lambda_runtime").reset()
        ministack("app")._reset_all_state()
        invocations.WATCHERS.clear()
        if self._corrected:
            event_sources.reset()
            schedules.reset()
            retention.reset()
            cold_partitions.reset()
            throttling.reset()
            passing.reset()
            alarms.reset()
        self._thread = self._loop = self._shutdown = None
        self._clients = {}
        if self._work_dir is not None:
            shutil.rmtree(self._work_dir, ignore_errors=True)
        for name, value in self._saved_environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._saved_environment = {}

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client of this account's root user, without retries; the same one each time.

        With settings (for example, other credentials) it is a new one.
        """
        if not settings and service in self._clients:
            return self._clients[service]
        config = Config(
            retries={"total_max_attempts": 1},
            inject_host_prefix=False,
            max_pool_connections=50,
            proxies={},
            s3={"addressing_style": "path"},
        )
        client = connect(service, **{"endpoint_url": self.url, "config": config, **self.credentials, **settings})
        if not settings:
            self._clients[service] = client
        return client

    @property
    def credentials(self) -> dict[str, str]:
        """Keyword arguments that make a boto3 client the account's root user."""
        return {
            "region_name": self.region,
            "aws_access_key_id": self.account,
            "aws_secret_access_key": "test",
        }

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which the AWS SDK in another process is this account's root user."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def stored_object(self, bucket: str, key: str) -> bytes | None:
        """What an object of S3 contains, without a request; None if there is none. For services of the laptop's own."""
        responses = ministack("core.responses")
        responses.set_request_account_id(self.account)
        responses.set_request_region(self.region)
        status, _, content = ministack("services.s3")._get_object(bucket, key, {})
        return bytes(content) if status == 200 else None

    def register(self, service: str, handler: Handler, *, model: str) -> None:
        """Serve requests signed for `service` on the same port; `model` is the service's boto3 name."""
        own_services.register(service, handler, model=model)

    def watch_invocations(self, watcher: Watcher) -> None:
        """Call it at the begin and the end of every invocation of a function, on the invocation's thread."""
        invocations.WATCHERS.append(watcher)

    def mount(self, prefix: str, handler: Handler) -> None:
        """Serve every path that begins with `prefix` on the same port."""
        own_services.mount(prefix, handler)

    def let_pass(self, seconds: float) -> None:
        """Let so many seconds pass at once for queues, schedules and functions (overlay/passing.py)."""
        passing.let_pass(seconds)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the server's own loop and wait for its result; not to be called from that loop."""
        assert self._loop is not None, "the cloud is not running"
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _serve(self, listener: socket.socket, ready: concurrent.futures.Future[None]) -> None:
        try:
            uvloop.run(self._serve_async(listener, ready))
        except (Exception, SystemExit) as error:  # any error must reach the thread that waits for the server
            if not ready.done():
                ready.set_exception(error)
            else:
                logging.getLogger("lab.aws").exception("The server of the local AWS failed")

    async def _serve_async(self, listener: socket.socket, ready: concurrent.futures.Future[None]) -> None:
        self._loop, self._shutdown = asyncio.get_running_loop(), asyncio.Event()
        app = guarded(ministack("app").app, self.port, is_link=_is_link_to_object)
        settings = {"http": "httptools", "ws": "websockets-sansio", "lifespan": "on", "log_level": "error"}
        async with serving(app, listener, **settings):
            ready.set_result(None)
            await self._shutdown.wait()

    def _set_environment(self) -> None:
        """Set the environment variables of this cloud that MiniStack and boto3 read; `stop` restores them."""
        (self.state_dir / "work").mkdir(parents=True, exist_ok=True)
        self._work_dir = Path(tempfile.mkdtemp(prefix="cloud-", dir=self.state_dir / "work"))
        wanted: dict[str, str | None] = {
            "GATEWAY_PORT": str(self.port),
            "AUTH": str(self.auth).lower(),
            "S3_DATA_DIR": str(self._work_dir / "s3"),
            "STATE_DIR": str(self._work_dir / "state"),
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": None,
            "AWS_PROFILE": None,
            "AWS_ENDPOINT_URL": None,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LOG_LEVEL": os.environ.get("LAB_LOG_LEVEL", "WARNING"),
            "LAB_RUNTIME_PATH": str(runtime_path(self.state_dir)),
            "LAB_UNPACKED": str(self.state_dir / "unpacked"),
        }
        for name, value in wanted.items():
            self._saved_environment[name] = os.environ.get(name)
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def is_running() -> bool:
    """Whether this process already runs a cloud."""
    return any(thread.name == "cloud" for thread in threading.enumerate())


def _is_link_to_object(scope: Scope) -> bool:
    """A presigned link to S3. Other GETs must not be opened from a site: many services act on `?Action=…`."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    signed = "X-Amz-Signature" in query and all(name.startswith(("X-Amz-", "response-")) for name in query)
    return signed and bool(_STORED_OBJECT.fullmatch(scope["path"]))


def _set_port(port: str) -> None:
    """Update the port in MiniStack modules that were imported for an earlier cloud."""
    for name, module in list(sys.modules.items()):
        if name.startswith("ministack."):
            for constant in _PORT_NAMES:
                if isinstance(getattr(module, constant, None), str):
                    setattr(module, constant, port)


def _set_log_levels() -> None:
    """MiniStack configures the root logger; keep the lab's own output readable."""
    level = os.environ["LOG_LEVEL"]
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:  # it has the sys.stderr of when MiniStack was imported
            handler.stream = sys.__stderr__ or handler.stream  # not setStream, which would flush the closed one
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(level)
    logging.getLogger("samtranslator").setLevel("ERROR")  # it warns about metrics that are not collected
