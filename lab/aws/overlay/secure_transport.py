"""A request to the cloud's port counts as one over TLS.

AWS: `aws:SecureTransport` in a policy is true for requests over HTTPS, which is what its endpoints are.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport

MiniStack: it is false over HTTP. The cloud has no TLS, so every bucket policy that requires it would refuse everybody.
"""

from __future__ import annotations

from lab.aws.ministack import ministack


def apply() -> None:
    """Evaluate policies as for requests over TLS."""
    app = ministack("app")
    stock = app.pin_request_origin

    def pin(address: str, _: bool) -> None:
        stock(address, True)

    app.pin_request_origin = pin
