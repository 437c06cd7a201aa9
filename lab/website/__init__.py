"""The SP's side: an ordinary client of the platform, written from its published wire format alone."""
