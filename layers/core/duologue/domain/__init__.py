"""The vocabulary: values and rules. No I/O, no JSON, no clock."""
