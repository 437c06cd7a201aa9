"""Basics: what every other room needs of AWS and of the machine."""
