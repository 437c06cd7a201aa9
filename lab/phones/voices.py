"""The tone by which a built-in phone is recognised: each number of the plan its own."""


def voice(number: str) -> float:
    """Hertz: 300 and 20 for each step of the last two digits, so +1 202 555 0115 sounds 600, … 0130 sounds 900.

    Multiples of 20 Hz: a second of it is a whole number of waves and can be looped.
    """
    last = number[-2:]
    return 300.0 + 20.0 * (int(last) if last.isdigit() else 0)
