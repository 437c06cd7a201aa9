"""The possible courses of a callback and of a return call: played over HTTP against the laboratory, and checked.

| Module | What |
| --- | --- |
| catalogue | the cases: how the phones behave, and the expected results |
| play | plays one case, and collects what each side saw |
| player | plays many cases at once |
| checks, audio_checks | checks of the results, and of the audio |
| return_calls, return_play, return_checks | the same for return calls |
| prompts | the prompts that a deployment starts with |
| tone_detection | how long a tone is in a recording |
"""
