"""The files of the row `tls` as contexts of Python's ssl, with a reason for each file that cannot be used."""

import logging
import ssl
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path

SOON_DAYS = 30
"""A certificate of ours that ends earlier is told: others may need some time to sign the next one."""
_PATIENCE_S = 5.0
_log = logging.getLogger(__name__)


class TlsFileError(OSError):
    """Its text says what is wrong with which file. `row`: of the trunk, such as `tls.ca`."""

    def __init__(self, row: str, text: str) -> None:
        super().__init__(text)
        self.row = row


def client_context(
    ca: Path | None, certificate: Path | None, key: Path | None, *, verify: bool = True
) -> ssl.SSLContext:
    """For connections to a trunk. Raises: TlsFileError."""
    if ca:
        _readable("tls.ca", ca)
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise TlsFileError("tls.ca", f"the file {ca} has no certificate (PEM)") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # private authorities leave key identifiers out; the edge allows it
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate and key:
        show(context, certificate, key)
    return context


def show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Show this certificate of ours to the far end. Raises: TlsFileError."""
    _readable("tls.certificate", certificate)
    _readable("tls.key", key)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsFileError("tls.key", f"the key {key} is not that of the certificate {certificate}") from None
        text = f"the files {certificate} and {key} are no certificate with its key (PEM, without a password)"
        raise TlsFileError("tls.certificate, tls.key", text) from None


def days_left(certificate: Path, now: datetime) -> int | None:
    """Whole days until the first certificate of a file ends; negative: it has ended. `now`: aware.

    None: there is no certificate, or no `openssl`, which is logged once: Python's ssl tells the dates of none of ours.
    """
    command = ["openssl", "x509", "-noout", "-enddate", "-in", str(certificate)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE_S)
        ends = ssl.cert_time_to_seconds(done.stdout.strip().removeprefix("notAfter="))
    except OSError as error:
        _log_without_openssl(str(error.strerror))
        return None
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return int((ends - now.timestamp()) // 86_400)


def ends_soon(certificate: Path, now: datetime) -> str:
    """When a certificate of ours ends, in words; empty: not within SOON_DAYS, or not known."""
    left = days_left(certificate, now)
    if left is None or left >= SOON_DAYS:
        return ""
    return f"our certificate {certificate} {in_words(left)}"


def in_words(left: int) -> str:
    """When a certificate ends. `left`: as of `days_left`."""
    return "has ended" if left < 0 else f"ends in {left} days"


@cache
def _log_without_openssl(why: str) -> None:
    _log.warning("nothing warns of certificates of ours that end: openssl cannot be run: %s", why)


def _readable(row: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise TlsFileError(row, f"the file {path} cannot be read: {error.strerror}") from None
