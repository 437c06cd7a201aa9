"""Duologue: a voice-callback platform. The packages are listed in the order that imports may point.

runtime, operator → adapters | usecases → wire → call_control → domain
"""
