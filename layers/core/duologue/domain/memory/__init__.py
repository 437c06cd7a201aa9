"""Call memory: who is rung when somebody dials a display number."""
