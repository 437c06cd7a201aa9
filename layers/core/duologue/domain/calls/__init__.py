"""Calls: their legs, requests, outcomes and due times."""
