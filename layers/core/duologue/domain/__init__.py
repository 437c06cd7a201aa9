"""Values and rules of the domain. No I/O, no JSON, no clock."""
