"""What can become of a callback, played over HTTP against the laboratory and judged.

| Module | What |
| --- | --- |
| catalogue | the cases: how the phones behave, and what must follow |
| play | plays one case, and keeps what was seen of it on each side |
| checks, sound_checks | what must be true of it; what must have been heard |
| hearing | which tones are in a recording |
"""
