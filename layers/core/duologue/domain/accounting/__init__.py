"""Accounting: CDRs, what a call costs, and what an app may use and has used."""
