"""Accounting: what the sweeper looks at, lists of calls, and the archive of CDRs."""
