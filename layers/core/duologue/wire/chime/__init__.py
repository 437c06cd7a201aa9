"""The only home of SMA names."""
