"""A Lambda function's execution environment: one process, one invocation at a time.

AWS: an environment has ten seconds to start; one that needs more starts again as part of its first invocation, within
the function's own time-out (here its start goes on). A raised exception is reported under its class name with its trace
and the environment stays warm; a process that ends is `Runtime.ExitError`; a time-out (`Sandbox.Timedout`) ends the
environment and does not count the start-up; the function sees only its package, its layers, its runtime and its own
variables.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

MiniStack: every exception is `Runtime.HandlerError` without a trace and kills the process, so the next invocation is
cold again; after each invocation it waits up to 50 ms for output; each process unpacks all layers anew and inherits the
server's whole environment and site-packages.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lab.aws.ministack import ministack
from lab.aws.overlay import invocations, lambda_logs, metrics, passing, traces
from lab.aws.overlay.unpacked import unpacked

_BOOTSTRAP = Path(__file__).with_name("lambda_bootstrap.py")
_INIT_SECONDS = 10.0
_LOG_CHUNK = 65536
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Died(Exception):
    """The process ended, or did not answer in time."""

    def __init__(self, late: bool) -> None:
        super().__init__("late" if late else "exited")
        self.late = late


def environment_of(config: dict[str, Any], task_root: Path) -> dict[str, str]:
    """The variables a function sees, `config` being its GetFunctionConfiguration."""
    runtime = ministack("core.lambda_runtime")
    name, (_, region) = config["FunctionName"], runtime._account_region_from_function_config(config)
    return {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **{key: os.environ[key] for key in _INHERITED if key in os.environ},
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        **(config.get("Environment") or {}).get("Variables", {}),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', 'python')}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": lambda_logs.group_of(config),
        "AWS_LAMBDA_LOG_STREAM_NAME": time.strftime("%Y/%m/%d/[$LATEST]") + os.urandom(16).hex(),
        "LAMBDA_TASK_ROOT": str(task_root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "_HANDLER": config.get("Handler", ""),
        **runtime.execution_credentials(config),
    }


def function_process(base: type) -> type:
    """MiniStack's `Worker` with its process replaced; MiniStack still manages the workers."""

    class FunctionProcess(base):  # type: ignore[misc]
        _proc: Any
        _requests: IO[bytes] | None = None
        _replies: IO[bytes] | None = None
        _log = bytearray()
        log_stream = ""
        """Of the process that runs, or ran last."""
        began = 0.0
        """When the handler of the latest invocation was called, by this machine's clock."""
        _follows = False
        """Its clock is one that hours can pass on; most have the machine's, which costs nothing."""

        def _spawn(self) -> None:
            self._close_pipes()
            config, layers = self.config, []
            for layer in config.get("Layers", []):
                content = ministack("services.lambda_svc")._resolve_layer_zip(layer)
                if content:
                    layers.append(unpacked(content))
            task_root = unpacked(self.code_zip)
            environment = environment_of(config, task_root)
            self.log_stream = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
            request_end, requests = os.pipe()
            replies, reply_end = os.pipe()
            self._proc = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_BOOTSTRAP), str(request_end), str(reply_end)],
                cwd=task_root,
                env=environment,
                pass_fds=(request_end, reply_end),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            os.close(request_end)
            os.close(reply_end)
            os.set_blocking(self._proc.stdout.fileno(), False)
            self._start_answer: dict[str, Any] = {}
            self._requests, self._replies = os.fdopen(requests, "wb"), os.fdopen(replies, "rb", buffering=0)
            self._log = bytearray()
            path = [str(layer / "python") for layer in layers if (layer / "python").is_dir()]
            skew = invocations.skew(config["FunctionName"])
            self._follows = bool(skew or passing.seconds())
            self._send(
                {
                    "handler": config.get("Handler", ""),
                    "path": [str(task_root), *path],
                    "runtime": [str(Path(os.environ["LAB_RUNTIME_PATH"]))],
                    "clock": skew if self._follows else None,
                }
            )
            self._start_answer = self._receive(_INIT_SECONDS + float(config.get("Timeout", 3)))

        def _send(self, frame: dict[str, Any]) -> None:
            body = json.dumps(frame).encode()
            try:
                self._requests.write(struct.pack(">I", len(body)) + body)  # type: ignore[union-attr]
                self._requests.flush()  # type: ignore[union-attr]
            except OSError as closed:
                raise Died(late=False) from closed

        def _receive(self, seconds: float) -> dict[str, Any]:
            """The next frame of the function; meanwhile its output is read, so that no pipe fills up."""
            deadline, got, replies = time.monotonic() + seconds, bytearray(), self._replies
            process = self._proc
            if replies is None or process is None:  # the cloud ended it meanwhile
                raise Died(late=False)
            with selectors.DefaultSelector() as both:
                both.register(replies, selectors.EVENT_READ)
                both.register(process.stdout, selectors.EVENT_READ)
                while len(got) < 4 or len(got) < 4 + struct.unpack(">I", got[:4])[0]:
                    remaining = deadline - time.monotonic()
                    if remaining <= 0:
                        raise Died(late=True)
                    for key, _ in both.select(remaining):
                        if key.fileobj is replies:
                            chunk = replies.read(_LOG_CHUNK)
                            if not chunk:
                                raise Died(late=False)
                            got += chunk
                        elif not self._read_log(process):
                            both.unregister(process.stdout)
            answer: dict[str, Any] = json.loads(bytes(got[4:]))
            return answer

        def _read_log(self, process: Any) -> bool:
            """Read what has been printed; False at the end of the output."""
            while True:
                try:
                    chunk = os.read(process.stdout.fileno(), _LOG_CHUNK)
                except BlockingIOError:
                    return True
                if not chunk:
                    return False
                self._log += chunk

        def _take_log(self) -> str:
            if self._proc is not None:
                self._read_log(self._proc)
            log, self._log = self._log.decode("utf-8", "replace"), bytearray()
            return log.rstrip("\n")

        def invoke(self, event: Any, request_id: str, **more: Any) -> dict[str, Any]:
            """The function's answer: {"result" or "error", "log"}; an error is what AWS would return."""
            with self._lock:
                seconds = float(self.config.get("Timeout", 3))
                try:
                    if passing.seconds() and not self._follows:
                        self._end()
                    if self._proc is None or self._proc.poll() is not None:
                        self._spawn()
                    answer = self._start_answer
                    if "error" not in answer:
                        arn = more.get("invoked_function_arn") or self.config.get("FunctionArn", "")
                        frame = {"event": event, "request_id": request_id, "arn": arn, "seconds": seconds}
                        frame |= {"trace_id": more.get("trace_id"), "passed": passing.seconds()}
                        self.began = time.time()
                        self._send(frame)
                        answer = self._receive(seconds)
                    else:
                        self._end()
                except Died as died:
                    return {"error": self._death_error(died, request_id, seconds), "log": self._take_log()}
                return {**answer, "log": self._take_log()}

        def _death_error(self, died: Died, request_id: str, seconds: float) -> dict[str, str]:
            process = self._proc  # None: the cloud ended it meanwhile
            code = 0 if died.late or process is None else int(process.wait())
            self._end()
            if died.late:
                at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                message = f"{at} {request_id} Task timed out after {seconds:.2f} seconds"
                return {"errorType": "Sandbox.Timedout", "errorMessage": message}
            how = f"exit status {code}" if code >= 0 else f"signal: {-code}"
            message = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
            return {"errorType": "Runtime.ExitError", "errorMessage": message}

        def _end(self) -> None:
            process, self._proc = self._proc, None
            if process is not None:
                process.kill()
                process.wait()
                self._read_log(process)
                process.stdout.close()
            self._close_pipes()

        def _close_pipes(self) -> None:
            for pipe in (self._requests, self._replies):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self._requests = self._replies = None

        def _discard_tmpdir(self) -> None:
            self._close_pipes()

    return FunctionProcess


def _execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """One invocation, with a result in MiniStack's format."""
    svc, pool = ministack("services.lambda_svc"), ministack("core.lambda_runtime")
    config = function.get("config") or function
    name, qualifier = config["FunctionName"], config.get("Version", "$LATEST")
    lambda_logs.STREAM.set("")
    refusal = traces.refused(function, config, event)
    if refusal is not None:
        return refusal
    svc._ensure_reaper_thread()
    worker, _ = pool.acquire_worker(name, config, function["code_zip"], qualifier=qualifier)
    invocation = traces.begin(name, event, worker)
    invocations.begun(invocation, event)
    try:
        arn = config.get("FunctionArn")
        answer = worker.invoke(event, request_id, trace_id=invocation.header, invoked_function_arn=arn)
        answer = invocations.ended(invocation, event, answer, request_id)
    finally:
        traces.end(invocation)
        lambda_logs.STREAM.set(worker.log_stream)
        metrics.BEGAN.set(worker.began)
        pool.release_worker(worker)
    if "error" in answer:
        return {"body": answer["error"], "error": True, "log": answer["log"]}
    return {"body": answer["result"], "log": answer["log"]}


def workers() -> Iterator[tuple[str, bool, subprocess.Popen[bytes]]]:
    """Every living process of a function: the function's name, and whether it is in an invocation."""
    for some in list(ministack("core.lambda_runtime")._workers.values()):
        for worker in list(some):
            process = worker._proc
            if process is not None and process.poll() is None:
                yield worker.config["FunctionName"], worker.in_use, process


def processes() -> Iterator[subprocess.Popen[bytes]]:
    """Every living process of a function."""
    return (process for _, _, process in workers())


def apply() -> None:
    """Replace the process of Python functions, and how its answer is handled."""
    pool, svc = ministack("core.lambda_runtime"), ministack("services.lambda_svc")
    ours, stock = function_process(pool.Worker), pool._worker_class_for
    pool._worker_class_for = lambda config: ours if _is_python(config) else stock(config)
    stock_execute = svc._execute_function_warm

    def execute(function: dict[str, Any], event: Any, request_id: str) -> Any:
        run = _execute if _is_python(function.get("config") or function) else stock_execute
        return run(function, event, request_id)

    svc._execute_function_warm = execute


def _is_python(config: dict[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")
