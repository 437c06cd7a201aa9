"""Each telephone of the number plan has a tone of its own, by which a test knows who is heard."""

from lab.phones.voices import voice


def test_the_phones_of_the_plan_sound_differently():
    voices = {voice(f"+120255501{ending:02d}") for ending in range(100)}
    assert len(voices) == 100
    assert (voice("+12025550115"), voice("+12025550130")) == (600, 900)
