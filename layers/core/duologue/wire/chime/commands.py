"""Commands to our own SMA in the arguments of UpdateSipMediaApplicationCall."""

DIAL_CALLEE = "dial_callee"
LAST_MINUTE = "last_minute"
END = "end"


def command(word: str) -> dict[str, str]:
    """The arguments of a command."""
    return {"command": word}
