"""The engine as a production service: `duologue-pstn serve`. README.md has its settings."""
