"""Operating: what the operator does to calls and to what is stored about people."""
