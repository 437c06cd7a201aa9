// What a telephone sounds by itself: its bell, the tone while the far end rings, and the tones of its keys.

const ROWS = [697, 770, 852, 941]; // Hz, ITU-T Q.23
const COLUMNS = [1209, 1336, 1477];
const KEYS = "123456789*0#";

const BELL = { hertz: [660, 880], on: 0.9, every: 2.4, loud: 0.2 };
const RINGBACK = { hertz: [440, 480], on: 2, every: 6, loud: 0.06 }; // ITU-T E.180, as in North America

export class Tones {
  constructor(context) {
    this.context = context;
    this.timer = undefined;
    this.current = undefined;
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

  quiet() {
    clearInterval(this.timer);
    this.current?.disconnect();
    this.current = undefined;
  }

  repeat(tone) {
    this.quiet();
    const once = () => (this.current = this.sound(tone));
    once();
    this.timer = setInterval(once, tone.every * 1000);
  }

  sound({ hertz, on, loud }) {
    const { context } = this;
    const volume = new GainNode(context, { gain: 0 });
    const start = context.currentTime;
    volume.gain.linearRampToValueAtTime(loud, start + 0.01);
    volume.gain.setValueAtTime(loud, start + on - 0.02);
    volume.gain.linearRampToValueAtTime(0, start + on);
    volume.connect(context.destination);
    for (const frequency of hertz) {
      const oscillator = new OscillatorNode(context, { frequency });
      oscillator.connect(volume);
      oscillator.start(start);
      oscillator.stop(start + on);
    }
    return volume;
  }
}
