"""Numbers: which may be dialled or shown, and what that is estimated to cost."""
