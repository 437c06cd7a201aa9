"""What the platform says to its own SMA through UpdateSipMediaApplicationCall: one word, in the call's arguments."""

DIAL_CALLEE = "dial_callee"
LAST_MINUTE = "last_minute"
END = "end"


def command(word: str) -> dict[str, str]:
    """The arguments that say it."""
    return {"command": word}
