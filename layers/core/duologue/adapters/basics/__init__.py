"""Basics: what every other package of adapters needs of AWS and of the machine."""
