"""Accounting: the end of a call and what comes after, lists of calls, and the archive of CDRs."""
