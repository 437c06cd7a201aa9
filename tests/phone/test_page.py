"""What a page is told, in order, and how much of its sound is kept for it."""

import asyncio
import json

from lab.phones.browser.page import MOST, Page, PageAudio
from pstn.lines.sip.audio import FRAME_BYTES


def frame(number: int) -> bytes:
    return number.to_bytes(2, "little") * (FRAME_BYTES // 2)


def test_what_the_network_sends_is_cut_into_frames():
    """The media thread's first piece is several frames."""
    woken: list[bool] = []
    sound = PageAudio(lambda: woken.append(True))
    assert sound.write(frame(1) + frame(2) + frame(3)) == 3 * FRAME_BYTES
    assert list(sound.to_speaker) == [frame(1), frame(2), frame(3)]
    assert woken == [True]


def test_the_microphone_is_read_as_far_as_asked():
    sound = PageAudio(lambda: None)
    assert sound.read(12 * FRAME_BYTES) == b""
    sound.from_microphone.extend(frame(each) for each in range(5))
    assert sound.read(2 * FRAME_BYTES + 1) == frame(0) + frame(1)
    assert sound.read(12 * FRAME_BYTES) == frame(2) + frame(3) + frame(4)


def test_a_page_that_takes_nothing_keeps_nobody_waiting():
    """Its socket never drains; the oldest sound is dropped, and the thread that writes is never held up."""

    async def story() -> None:
        page = Page("+12025550111", lambda code, why: None)
        sound = page.start_audio()
        stuck = asyncio.Event()

        async def send(news: str | bytes) -> None:
            stuck.set()
            await asyncio.Event().wait()

        telling = asyncio.get_running_loop().create_task(page.send_all(send))
        await asyncio.to_thread(lambda: [sound.write(frame(each)) for each in range(1000)])
        await stuck.wait()
        assert list(sound.to_speaker)[-1] == frame(999)
        assert len(sound.to_speaker) <= MOST
        for each in range(1000):
            page.microphone_frame(frame(each))
        assert sound.read(1 << 20) == b"".join(frame(each) for each in range(1000 - MOST, 1000))
        telling.cancel()

    asyncio.run(story())


def test_words_go_before_sound_and_none_is_lost():
    async def story() -> list[str | bytes]:
        page = Page("+12025550111", lambda code, why: None)
        page.start_audio().write(frame(1))
        for each in range(100):
            page.send("refused", why=str(each))
        sent: list[str | bytes] = []
        done = asyncio.Event()

        async def send(news: str | bytes) -> None:
            sent.append(news)
            if len(sent) == 101:
                done.set()

        telling = asyncio.get_running_loop().create_task(page.send_all(send))
        await asyncio.wait_for(done.wait(), 5)
        telling.cancel()
        return sent

    sent = asyncio.run(story())
    assert [json.loads(each)["why"] for each in sent[:-1]] == [str(each) for each in range(100)]
    assert sent[-1] == frame(1)


def test_outside_a_call_the_microphone_is_nobodys():
    async def story() -> None:
        page = Page("+12025550111", lambda code, why: None)
        page.microphone_frame(frame(1))
        assert page.start_audio().read(1 << 20) == b""
        page.microphone_frame(frame(2))
        page.stop_audio()
        assert page.start_audio().read(1 << 20) == b"", "another call does not hear what was said in the last one"

    asyncio.run(story())
