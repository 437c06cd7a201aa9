"""Numbers: the numbering plans, the lists of numbers that are not dialled, and the rates."""
