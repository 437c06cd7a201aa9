"""The tone by which each built-in phone is recognised."""


def voice(number: str) -> float:
    """Hertz: 300 plus 20 for each step of the last two digits: +1 202 555 0115 has 600, … 0130 has 900.

    Multiples of 20 Hz: a second is a whole number of waves, so it can be looped.
    """
    last = number[-2:]
    return 300.0 + 20.0 * (int(last) if last.isdecimal() else 0)
