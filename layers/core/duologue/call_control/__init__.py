"""The pure call control: what happens next in a call. No clock, no network, no JSON, no AWS."""
