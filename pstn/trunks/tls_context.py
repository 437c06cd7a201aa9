"""The files of the row `tls` as contexts of Python's ssl, with a reason for each file that cannot be used."""

import ssl
from pathlib import Path


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


def _readable(row: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise TlsFileError(row, f"the file {path} cannot be read: {error.strerror}") from None
