// Runs on the browser's audio thread: converts between the sound card's sample rate and the telephone's 8 kHz.
// Linear interpolation is sufficient, since phone.js filters out everything above 3.4 kHz before and after it.

const RATE = 8000;
const FRAME = 160; // 20 ms
const PRIMED = 480; // playback starts, and restarts after it ran dry, once 60 ms are buffered
const MOST = 1920; // at most 240 ms are buffered: beyond that the oldest samples are dropped

// Posts frames of 16-bit samples.
class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.at = 0; // position of the next sample in this block; -1 is the last sample of the previous block
    this.before = 0;
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }

  process([input]) {
    const heard = input[0];
    if (!heard) return true; // nothing is connected
    const step = sampleRate / RATE;
    for (; this.at < heard.length - 1; this.at += step) {
      const left = Math.floor(this.at);
      const one = left < 0 ? this.before : heard[left];
      this.keep(one + (heard[left + 1] - one) * (this.at - left));
    }
    this.at -= heard.length;
    this.before = heard[heard.length - 1];
    return true;
  }

  keep(sample) {
    this.frame[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
    if (this.filled < FRAME) return;
    this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }
}

// Receives frames by postMessage, and null when a call ends.
class Speaker extends AudioWorkletProcessor {
  constructor() {
    super();
    this.waiting = [];
    this.at = 0; // position between the first and the second buffered sample
    this.playing = false;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(frame) {
    if (frame === null) this.waiting = [];
    else for (const sample of new Int16Array(frame)) this.waiting.push(sample / 32768);
    if (this.waiting.length > MOST) this.waiting.splice(0, this.waiting.length - PRIMED);
  }

  process(inputs, [output]) {
    const step = RATE / sampleRate;
    let used = 0;
    if (this.waiting.length >= PRIMED) this.playing = true;
    for (let index = 0; this.playing && index < output[0].length; index++) {
      const one = this.waiting[used];
      if (used + 1 >= this.waiting.length) {
        this.playing = false;
        break;
      }
      output[0][index] = one + (this.waiting[used + 1] - one) * this.at;
      this.at += step;
      while (this.at >= 1) {
        this.at -= 1;
        used += 1;
      }
    }
    this.waiting.splice(0, used);
    return true;
  }
}

registerProcessor("microphone", Microphone);
registerProcessor("speaker", Speaker);
