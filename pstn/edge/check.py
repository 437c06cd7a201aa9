"""What Kamailio would refuse of a configuration, found before any of its files is replaced."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pstn.edge.render import SYSTEM_CA, EdgeError, Place, render, write
from pstn.trunks.tls_context import TlsFileError, client_context, ends_soon, show
from pstn.trunks.trunk_file import TrunkFile

PATIENCE_S = 30.0


def check(file: TrunkFile, place: Place) -> None:
    """The files that its TLS reads, and the program, if Kamailio is installed here.

    Raises:
        EdgeError: the row or the option, and the file
    """
    trunks = [trunk for trunk in file.trunks if trunk.edge and trunk.transport == "tls"]
    for trunk in trunks:
        try:
            client_context(trunk.tls.ca or SYSTEM_CA, trunk.tls.certificate, trunk.tls.key)
        except TlsFileError as error:
            raise EdgeError(f"trunk {trunk.name}, {error.row}: {error}") from None
    if trunks and place.certificate and place.key:
        try:
            show(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), place.certificate, place.key)
        except TlsFileError as error:
            raise EdgeError(f"{error.row.replace('tls.', '--')}: {error}") from None
    program = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program:
        # Beside the files, since they may contain secrets; where there is no such folder yet, in a private one.
        with TemporaryDirectory(prefix=".check-", dir=place.out if place.out.is_dir() else None) as folder:
            beside = replace(place, out=Path(folder), run=Path(folder))
            write(render(file, beside), beside)
            _parsed(program, beside.out / "kamailio.cfg", place.out / "kamailio.cfg")


def ending(file: TrunkFile, place: Place, now: datetime) -> Iterator[str]:
    """The certificates of ours that end soon: the option or the row, and when."""
    trunks = [trunk for trunk in file.trunks if trunk.edge]
    ours = [("--certificate", place.certificate)] if any(trunk.transport == "tls" for trunk in trunks) else []
    ours += [(f"trunk {trunk.name}, tls.certificate", trunk.tls.certificate) for trunk in trunks]
    ours += [
        (f"trunk {trunk.name}, signing.certificate", trunk.signing.certificate) for trunk in trunks if trunk.signing
    ]
    for where, certificate in ours:
        if certificate and (said := ends_soon(certificate, now)):
            yield f"{where}: {said}"


def _parsed(program: str, path: Path, written: Path) -> None:
    command = [program, "-c", "-E", "-f", str(path), "-Y", str(path.parent)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EdgeError(f"{program} -c: {type(error).__name__}") from None
    if done.returncode:
        faults = [line for line in done.stderr.splitlines() if "CRITICAL" in line or "ERROR" in line]
        told = next(iter(faults), done.stderr.strip()).replace(str(path), str(written))
        raise EdgeError(f"Kamailio refuses {written}: {told}")
