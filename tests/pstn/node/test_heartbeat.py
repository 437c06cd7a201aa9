"""When a node counts itself dead, ends its calls, or itself."""

import pytest

from pstn.node.heartbeat import Heartbeat
from pstn.node.table import Buried, TableError


class Beats:
    """A heartbeat on a clock that is set by hand; `fails`: what the next writes raise."""

    def __init__(self):
        self.now, self.fails, self.written, self.lost, self.buried = 1000.0, None, 0, 0, 0
        self.meanwhile = lambda: None
        """Happens while a beat is being written."""
        self.heartbeat = Heartbeat(self._write, self._lose, self._bury, lambda: self.now)

    def _write(self):
        self.meanwhile()
        if self.fails:
            raise self.fails
        self.written += 1

    def _lose(self):
        self.lost += 1

    def _bury(self):
        self.buried += 1

    def after(self, seconds, fails=None):
        self.now, self.fails = self.now + seconds, fails
        return self.heartbeat.beat()


DOWN = TableError("EndpointConnectionError")


def test_a_node_lives_from_its_first_beat_until_15_s_after_the_last():
    beats = Beats()
    assert not beats.heartbeat.is_alive
    assert beats.after(0)
    for seconds, alive in ((0, True), (15, True), (0.1, False)):
        beats.now += seconds
        assert beats.heartbeat.is_alive is alive


def test_the_longest_silence_of_the_last_minute_is_measured_whenever_somebody_looks():
    """It may be over between two looks, which are a minute apart."""
    beats, longest = Beats(), []
    beats.after(17)  # until its stations have started, a node says nothing
    for seconds, fails in ((5, None), (5, DOWN), (14, None), (5, None), (45, None), (20, None), (60, None)):
        beats.after(seconds, fails)
        longest.append(beats.heartbeat.longest_silence)
    assert longest == [5, 5, 19, 19, 45, 45, 60]
    beats.now += 61
    assert beats.heartbeat.longest_silence == 61


@pytest.mark.parametrize(("pause", "ended"), [(44.0, 0), (45.0, 1)])
def test_calls_end_once_when_no_beat_was_written_for_45_s(pause, ended):
    beats = Beats()
    beats.after(0)
    for seconds in (pause, 0.5, 0.1):
        assert not beats.after(seconds, DOWN)
    assert beats.lost == ended
    assert beats.after(0.1), "it can write again, so it takes calls again"
    assert beats.heartbeat.is_alive
    assert beats.after(5)
    assert beats.lost == ended


def test_a_node_that_was_suspended_ends_its_calls_before_it_says_that_it_lives():
    beats = Beats()
    beats.after(0)
    written = []
    beats.heartbeat._lost = lambda: written.append(beats.written)
    assert beats.after(60)
    assert written == [1]


def test_calls_end_in_time_even_if_the_table_keeps_a_beat_waiting():
    beats = Beats()
    beats.after(0)

    def wait():
        for seconds, ended in ((4, 0), (1, 1), (10, 1)):
            beats.now += seconds
            beats.heartbeat.check()
            assert beats.lost == ended

    beats.meanwhile = wait
    assert not beats.after(40, DOWN)


def test_a_beat_that_fails_in_an_unknown_way_is_a_beat_that_was_not_written():
    beats = Beats()
    beats.after(0)
    assert not beats.after(45, ZeroDivisionError())
    assert beats.lost == 1
    assert beats.after(1)


def test_a_node_that_never_wrote_a_beat_has_no_calls_to_end():
    beats = Beats()
    assert not beats.after(100, DOWN)
    assert beats.lost == 0


def test_a_node_that_was_buried_never_lives_again():
    beats = Beats()
    beats.after(0)
    assert not beats.after(5, Buried())
    assert not beats.heartbeat.is_alive
    assert not beats.after(5)
    assert (beats.buried, beats.written) == (1, 1)
