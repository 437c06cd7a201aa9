"""Build the Debian package of nodes and edges: python -m tools.deb --into dist

A virtual environment of Debian 12's Python with the wheels of requirements/pstn.txt and of pstn/ itself, units of
systemd and settings. It needs dpkg-deb and, once, the network for the wheels; nothing of debhelper. Two builds of one
commit on one machine have the same bytes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PSTN = ROOT / "pstn"
LOCK = ROOT / "requirements" / "pstn.txt"
DOCUMENT = ROOT / "docs" / "pstn-nodes.md"
PYTHON, GLIBC = "3.11", (2, 36)
"""Debian 12's."""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_HOME = Path("usr/lib/duologue-pstn")
_SITE = _HOME / "lib" / f"python{PYTHON}" / "site-packages"
_COMMAND = f"""#!/bin/sh
# -I: nothing of the folder that it is started in, nor of PYTHONPATH.
exec "$(dirname "$(readlink -f "$0")")/../{_HOME.relative_to("usr")}/bin/python3" -I -m pstn "$@"
"""
_CONFIGURED = f"""home = /usr/bin
include-system-site-packages = false
version = {PYTHON}
"""


def build(into: Path, architecture: str) -> Path:
    """Returns: the package."""
    version = tomllib.loads((PSTN / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _environment(tree, MACHINES[architecture])
        _files(tree)
        _control(tree, version, architecture)
        into.mkdir(parents=True, exist_ok=True)
        package = into / f"duologue-pstn_{version}_{architecture}.deb"
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(tree), str(package)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"SOURCE_DATE_EPOCH": _date()})
    return package


def _environment(tree: Path, machine: str) -> None:
    """A virtual environment as `venv` would make it, but for the Python of the machine that installs it."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        subprocess.run(wheel, cwd=PSTN, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _install(tree / _SITE, machine, "--require-hashes", "-r", str(LOCK))
        _install(tree / _SITE, machine, *map(str, Path(folder).glob("*.whl")))
    shutil.rmtree(tree / _SITE / "bin", ignore_errors=True)  # commands for another Python
    (tree / _SITE / ".lock").unlink(missing_ok=True)  # uv's
    for named in ("direct_url.json", "uv_cache.json", "REQUESTED", "INSTALLER"):  # where and how it was built
        for path in (tree / _SITE).glob(f"*.dist-info/{named}"):
            path.unlink()
    for record in (tree / _SITE).glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if (tree / _SITE / line.partition(",")[0]).exists()]
        _write(record, "".join(kept))
    (tree / _HOME / "bin").mkdir()
    for name in ("python3", "python"):
        (tree / _HOME / "bin" / name).symlink_to(f"/usr/bin/python{PYTHON}")
    _write(tree / _HOME / "pyvenv.cfg", _CONFIGURED)
    _write(tree / "usr/bin/duologue-pstn", _COMMAND, 0o755)


def _install(into: Path, machine: str, *what: str) -> None:
    """By uv, which evaluates the markers of the lock for another Python on another machine; pip takes its own."""
    uv = os.environ.get("UV", str(ROOT / ".tools/uv/bin/uv"))
    platform = f"{machine}-manylinux_{GLIBC[0]}_{GLIBC[1]}"
    named = [
        "--system-certs",  # as pip does
        f"--target={into}",
        f"--python={sys.executable}",
        f"--python-version={PYTHON}",
        f"--python-platform={platform}",
    ]
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--link-mode=copy", *named, *what]
    subprocess.run(command, check=True)


def _files(tree: Path) -> None:
    for unit in sorted((PSTN / "debian" / "units").iterdir()):
        _write(tree / "lib/systemd/system" / unit.name, unit.read_text(encoding="utf-8"))
    for settings in sorted((PSTN / "debian" / "etc").iterdir()):
        _write(tree / "etc/duologue" / settings.name, settings.read_text(encoding="utf-8"), 0o600)
    documents = tree / "usr/share/doc/duologue-pstn"
    _write(documents / "copyright", (ROOT / "LICENSE").read_text(encoding="utf-8"))
    if DOCUMENT.exists():
        _write(documents / DOCUMENT.name, DOCUMENT.read_text(encoding="utf-8"))


def _control(tree: Path, version: str, architecture: str) -> None:
    kibibytes = sum(path.lstat().st_size for path in tree.rglob("*")) // 1024 + 1
    control = (PSTN / "debian" / "control").read_text(encoding="utf-8")
    about = control.format(version=version, architecture=architecture, kibibytes=kibibytes)
    _write(tree / "DEBIAN/control", about)
    settings = sorted(f"/{path.relative_to(tree)}\n" for path in (tree / "etc").rglob("*") if path.is_file())
    _write(tree / "DEBIAN/conffiles", "".join(settings))
    for script in sorted((PSTN / "debian" / "scripts").iterdir()):
        _write(tree / "DEBIAN" / script.name, script.read_text(encoding="utf-8"), 0o755)
    for folder in [tree, *(path for path in tree.rglob("*") if path.is_dir() and not path.is_symlink())]:
        folder.chmod(0o755)
    for path in (tree / _SITE).rglob("*"):
        if path.is_file():
            path.chmod(0o644)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _date() -> str:
    """Seconds: of the last commit; files get no later time."""
    asked = ["git", "-c", "safe.directory=*", "log", "-1", "--format=%ct"]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return said or "0"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.deb")
    parser.add_argument("--into", type=Path, default=ROOT / "dist")
    parser.add_argument("--architecture", choices=sorted(MACHINES))
    given = parser.parse_args()
    if not shutil.which("dpkg-deb"):
        sys.exit("make deb needs dpkg-deb, which Debian and its descendants have.")
    asked = ["dpkg", "--print-architecture"]
    architecture = (
        given.architecture or subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    )
    print(build(given.into, architecture))


if __name__ == "__main__":
    main()
