"""What a person hears from the platform. The audio's place is the adapter's business."""

from enum import StrEnum


class Prompt(StrEnum):
    CONNECTING = "connecting"
    """To the caller, from the answer until the callee is dialled."""
    WAITING = "waiting"
    """To the caller, looped while the callee rings."""
    CALLEE_UNAVAILABLE = "callee-unavailable"
    """To the caller, when the callee's leg came to nothing: neutral, since the network seldom says why (R14)."""
