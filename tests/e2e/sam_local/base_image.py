"""A stand-in for AWS's python3.13 image, from what is on this machine; no image registry is needed.

It has a shell (busybox), the host's Python 3.13 in /var/lang, the C library's files that Python asks for, and in
/var/runtime the runtime interface client and boto3, as AWS's runtime has them. SAM CLI adds its runtime interface
emulator and the layers on top. It is *not* AWS's image: no Amazon Linux.
"""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

from tests.e2e.sam_local.engine import Engine

# For `sam local … --invoke-image`, so that SAM CLI does not ask AWS's registry for its own.
NAME = "duologue/lambda-python:3.13"

# The emulator starts this. AWS's search path: the function, the layers, then the runtime's own.
_BOOTSTRAP = """#!/bin/sh
export PYTHONPATH=/var/task:/opt/python:/var/runtime
exec /var/lang/bin/python3.13 -m awslambdaric "${_HANDLER:-$1}"
"""

# The parts of the standard library that no function needs, by size.
_LEFT_OUT = ("test", "idlelib", "ensurepip", "site-packages", "dist-packages", "turtledemo", "tkinter", "config-3.13*")

# What manylinux2014 lets a wheel expect of the system. The first four are stubs since glibc 2.34, still asked for.
_EXPECTED_LIBRARIES = (
    "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6",
)  # fmt: skip


def build(engine: Engine, folder: Path, python: Path, runtime: Path, environment: dict[str, str]) -> None:
    """Make the image in `engine`, working below `folder`.

    `python` is a Python 3.13; `runtime` holds what AWS's runtime brings (requirements/runtime.txt, installed);
    `environment` is set in every container, as SAM CLI passes on only the variables that the template names.
    """
    root = folder / "root"
    for name in (
        "bin",
        "etc",
        "tmp",
        "dev",
        "proc",
        "sys",
        "var/lang/bin",
        "var/task",
        "opt",
        "lib",
        "lib64",
        "usr/lib",
    ):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nsbx_user1051:x:993:990::/home/sbx:/bin/sh\n")
    _add_shell(root)
    _add_python(root, python)
    _add_libraries(root, [root / "bin/busybox", python.resolve(), *root.glob("var/lang/lib/*/lib-dynload/*.so")])
    shutil.copytree(runtime, root / "var/runtime")
    bootstrap = root / "var/runtime/bootstrap"
    bootstrap.write_text(_BOOTSTRAP)
    bootstrap.chmod(0o755)
    own = {"PATH": "/var/lang/bin:/bin", "LD_LIBRARY_PATH": "/var/lang/lib", "LAMBDA_TASK_ROOT": "/var/task"}
    _import(engine, root, {**own, **environment})


def _add_shell(root: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox, "busybox-static is installed with the engine"
    shutil.copy(busybox, root / "bin/busybox")
    for applet in ("sh", "mv", "cp", "rm", "chmod", "mkdir", "cat", "ls", "env", "sleep"):
        (root / "bin" / applet).symlink_to("busybox")


def _add_python(root: Path, python: Path) -> None:
    """Put the interpreter and its standard library where AWS's image has them."""
    question = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    library = subprocess.run([python, "-c", question], capture_output=True, text=True, check=True).stdout.strip()
    binary = root / "var/lang/bin/python3.13"
    shutil.copy(python.resolve(), binary)
    (binary.parent / "python3").symlink_to("python3.13")
    shutil.copytree(library, root / "var/lang/lib/python3.13", ignore=shutil.ignore_patterns(*_LEFT_OUT))


def _add_libraries(root: Path, binaries: list[Path]) -> None:
    """Put the shared objects that `binaries` ask for, and those that a wheel may expect, into the image.

    A Python's own library goes beside its standard library, as it may have been found relative to the binary.
    """
    machine = sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu"
    expected = {Path(home, machine, name) for name in _EXPECTED_LIBRARIES for home in ("/lib", "/usr/lib")}
    for needed in sorted(_shared_objects(binaries) | {path for path in expected if path.exists()}):
        own = needed.name.startswith("libpython")
        target = root / "var/lang/lib" / needed.name if own else root / needed.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(needed, target)


def _shared_objects(binaries: list[Path]) -> set[Path]:
    """The absolute paths of the libraries that the loader would open for `binaries`."""
    listed = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"(/\S+\.so\S*) \(0x", listed)}


def _import(engine: Engine, root: Path, environment: dict[str, str]) -> None:
    settings = [argument for key, value in environment.items() for argument in ("--change", f"ENV {key}={value}")]
    tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
    subprocess.run(
        ["docker", "import", "--change", "WORKDIR /var/task", *settings, "-", NAME],
        stdin=tar.stdout,
        env=engine.environment(),
        capture_output=True,
        check=True,
    )
    if tar.wait():
        raise RuntimeError("tar could not pack the base image")
