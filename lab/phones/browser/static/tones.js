// The telephone's own sounds: its bell, the ringback tone, and the tones of its keys.
// Rule: no timers. A browser delays the timers of a background page by up to a minute, but not its audio.

const ROWS = [697, 770, 852, 941]; // Hz, ITU-T Q.23
const COLUMNS = [1209, 1336, 1477];
const KEYS = "123456789*0#";

const BELL = { hertz: [660, 880], on: 0.9, every: 2.4, loud: 0.2 };
const RINGBACK = { hertz: [440, 480], on: 2, every: 6, loud: 0.06 }; // ITU-T E.180, as in North America

export class Tones {
  constructor(context) {
    this.context = context;
    this.quiet = () => {};
  }

  bell() {
    this.repeat(BELL);
  }

  ringback() {
    this.repeat(RINGBACK);
  }

  key(key) {
    const at = KEYS.indexOf(key);
    this.sound({ hertz: [ROWS[Math.floor(at / 3)], COLUMNS[at % 3]], on: 0.12, loud: 0.05 });
  }

  repeat(tone) {
    this.quiet();
    this.quiet = this.sound(tone);
  }

  // Plays once, or every `every` seconds without end; returns a function that ends it, which may be called twice.
  sound({ hertz, on, every, loud }) {
    const { context } = this;
    const volume = new GainNode(context, { gain: 0 });
    const shape = new AudioBufferSourceNode(context, { buffer: this.shape(on, every ?? on, loud), loop: Boolean(every) });
    shape.connect(volume.gain);
    volume.connect(context.destination);
    const sources = hertz.map((frequency) => new OscillatorNode(context, { frequency }));
    for (const source of sources) source.connect(volume);
    for (const source of [shape, ...sources]) source.start();
    const end = () => {
      for (const source of [shape, ...sources]) source.stop();
      volume.disconnect();
    };
    shape.onended = end;
    return end;
  }

  // The volume over time; it fades in and out for 10 ms, so that it does not click.
  shape(on, whole, loud) {
    const { sampleRate } = this.context;
    const buffer = new AudioBuffer({ length: Math.round(whole * sampleRate), sampleRate });
    const last = on * sampleRate;
    const swell = 0.01 * sampleRate;
    const samples = buffer.getChannelData(0);
    for (let at = 0; at < last; at++) samples[at] = loud * Math.min(1, at / swell, (last - at) / swell);
    return buffer;
  }
}
