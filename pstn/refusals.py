"""How chime-sdk-voice refuses a request: an HTTP status, an error code, a message."""

STATUS = {
    "BadRequest": 400,
    "ResourceLimitExceeded": 400,
    "Unauthorized": 401,
    "AccessDenied": 403,
    "Forbidden": 403,
    "NotFound": 404,
    "Conflict": 409,
    "Gone": 410,
    "Unprocessable": 422,
    "Throttled": 429,
    "ServiceFailure": 500,
    "ServiceUnavailable": 503,
}
EXCEPTION = {
    "Unauthorized": "UnauthorizedClientException",
    "Unprocessable": "UnprocessableEntityException",
    "Throttled": "ThrottledClientException",
}
"""Error code → exception name where it is not simply the code with "Exception"."""


class ServiceRefusal(Exception):
    """A request was refused. ResourceLimitExceeded is a 400 in this service, not a 429."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = STATUS[code]
        self.exception = EXCEPTION.get(code, f"{code}Exception")
