"""The platform on a second carrier, which exists only for these tests."""
