// The page of the browser phone. The protocol of its socket is described in lab/phones/browser/__init__.py.
import { Tones } from "/tones.js";

const TAKEN = 4001;
const DEFAULT = "+12025550111";
const HUSH = 100; // of 32768: silence is not entirely silent after G.711
const VOICE = { type: "lowpass", frequency: 3400 };
const KEPT_CALLS = 5;
// Why a call was not answered, by SIP status. A page that declines gives 486 as well: its SIP library has no other.
const WHY = {
  404: "Nobody has this number",
  408: "Nobody answered",
  480: "Nobody can be reached at this number now",
  486: "The line is busy, or they declined",
  487: "Nobody answered",
  503: "The telephone network cannot connect this call now",
  603: "They declined",
};

const SERVICE = "Callback service";
const CONTACTS = {
  "+12025550111": "Jack",
  "+12025550112": "Kite driver",
  "+12025550113": "Swift courier",
  "+12025550114": "Eaves desk",
  "+12025550122": "Sophia",
};

const part = (id) => document.getElementById(id);
const keys = [...document.querySelectorAll("[data-key]")];
let state = "off"; // off, starting, idle, rings, calls, talks
let own = "";
let call; // { id, other, incoming, since, declined }
let socket, sound, clock;

// -- numbers
const digits = (typed) => `+${typed.replace(/\D/g, "").replace(/^00/, "")}`;

// The contacts in this phone. The numbers that end in 0100 to 0109 are the platform's, in the network's number plan.
function nameOf(number) {
  if (/^\+1202555(010)\d$/.test(number)) return SERVICE;
  return CONTACTS[number] ?? "";
}

// What stands for a contact: its initials, or a handset.
function face(number) {
  const name = nameOf(number);
  if (name && name !== SERVICE) return name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  const picture = part("answer").querySelector("svg").cloneNode(true);
  picture.setAttribute("viewBox", "0 0 24 24");
  return picture;
}

const named = (number) => nameOf(number) || spoken(number);

function spoken(number) {
  const parts = /^(\+1)(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts ? parts.slice(1).join("\u00a0") : number;
}

// -- what outlasts a reload of this tab
function stored(name, value) {
  try {
    if (value === undefined) return JSON.parse(sessionStorage.getItem(name));
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // not allowed: nothing is kept
  }
  return null;
}

// -- what is seen
function show(next, words) {
  if (next !== state) part("pad").open = next === "talks";
  state = next;
  document.body.dataset.state = next;
  const on = next !== "off" && next !== "starting";
  part("off").hidden = on;
  part("end").hidden = next !== "idle";
  for (const id of ["call", "face", "actions"]) part(id).hidden = !call;
  if (call) part("face").replaceChildren(face(call.other));
  part("dial").hidden = next !== "idle";
  part("pad").hidden = next !== "idle" && next !== "talks";
  part("pressed").hidden = next !== "talks";
  part("levels").hidden = next !== "talks";
  part("answer").hidden = next !== "rings";
  part("leave").textContent = next === "rings" ? "Decline" : "Hang up";
  part("silent").hidden = !on || Boolean(sound?.microphone);
  part("muted").hidden = !on || sound?.context.state === "running";
  part("log").hidden = next !== "idle" || !part("calls").childElementCount;
  part("shown").textContent = call ? spoken(call.other) : "";
  part("name").textContent = call ? nameOf(call.other) : "";
  part("own").textContent = own && on ? spoken(own) : "";
  for (const other of document.querySelectorAll("[data-to]")) other.parentElement.hidden = on && other.dataset.to === own;
  part("on").setAttribute("aria-disabled", String(next === "starting"));
  if (words) part("status").textContent = words;
  const about = own ? `Phone ${spoken(own)}` : "Phone";
  document.title = next === "rings" ? `☎ ${spoken(call.other)} calls – ${about}` : about;
}

function tick() {
  const seconds = Math.floor((performance.now() - call.since) / 1000);
  part("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function tellTime() {
  part("time").textContent = new Date().toTimeString().slice(0, 5);
}

function level(id, frame) {
  let most = 0;
  for (const sample of new Int16Array(frame)) most = Math.max(most, Math.abs(sample));
  const meter = part(id);
  // Perceived loudness is logarithmic; the needle falls slowly enough to be seen.
  meter.value = Math.max(meter.value - 0.05, most ? 1 + Math.log10(most / 32768) / 2.5 : 0);
  return most;
}

// -- sound
async function openSound() {
  const context = new AudioContext({ latencyHint: "interactive" });
  await context.audioWorklet.addModule("/sound.js");
  const speaker = new AudioWorkletNode(context, "speaker", { numberOfInputs: 0, outputChannelCount: [1] });
  through(context, speaker).connect(context.destination);
  const opened = { context, speaker: speaker.port, microphone: undefined, tones: new Tones(context) };
  opened.microphone = await openMicrophone(context).catch(() => undefined); // none there, or not allowed
  context.onstatechange = () => sound && show(state);
  context.resume(); // without a click on this page, as after a reload, the browser leaves it suspended
  return opened;
}

async function openMicrophone(context) {
  // No noise suppression: this telephone transmits whatever it is given.
  const wanted = { echoCancellation: true, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
  const microphone = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  through(context, new MediaStreamAudioSourceNode(context, { mediaStream: stream })).connect(microphone);
  microphone.port.onmessage = ({ data }) => {
    if (state !== "talks" || socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > 32768) return;
    socket.send(data);
    level("mouth", data);
  };
  const [track] = stream.getAudioTracks();
  track.onended = () => {
    if (sound) sound.microphone = undefined; // unplugged, or taken back
    show(state);
  };
  return track;
}

function through(context, source) {
  const first = new BiquadFilterNode(context, VOICE);
  return source.connect(first).connect(new BiquadFilterNode(context, VOICE));
}

function closeSound() {
  if (!sound) return;
  sound.tones.quiet();
  sound.microphone?.stop();
  sound.context.close();
  sound = undefined;
}

// -- on and off
async function switchOn() {
  if (state !== "off") return;
  own = digits(part("number").value);
  show("starting", "One moment. The browser may ask for your microphone.");
  try {
    sound = await openSound();
  } catch (fault) {
    return switchedOff(`This browser gives no sound: ${fault.message}`);
  }
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => say({ do: "on", number: own });
  socket.onmessage = ({ data }) => (typeof data === "string" ? told(JSON.parse(data)) : heard(data));
  socket.onclose = ({ code, reason }) => {
    if (code === TAKEN) switchedOff("Another page has this number now. This phone is off.");
    else if (code === 1008) switchedOff(`This phone is off: ${reason}.`);
    else switchedOff("The telephone server is gone. Switch on again when it is back.");
  };
}

function switchOff() {
  socket.onclose = null;
  socket.close();
  switchedOff("Off. The scripted phone of this number is back.");
}

function switchedOff(words) {
  stored("on", false);
  over();
  closeSound();
  show("off", words);
  part("on").focus();
}

// -- messages
const dial = (number) => say({ do: "dial", number, withhold: part("withhold").checked });
const say = (message) => socket.send(JSON.stringify(message));

function told(message) {
  const mine = !message.call || message.call === call?.id;
  switch (message.say) {
    case "on":
      if (state !== "starting") return;
      stored("on", own);
      return show("idle", `On. When ${spoken(own)} is called, it rings here.`);
    case "rings":
      call = { id: message.call, other: message.shown, incoming: true };
      sound.tones.bell();
      show("rings", `${named(call.other)} is calling.`);
      return part("answer").focus();
    case "calling":
      call = { id: message.call, other: message.number, incoming: false };
      show("calls", `Calling ${named(call.other)}…`);
      return part("hangup").focus();
    case "ringing":
      if (!mine) return;
      sound.tones.ringback();
      return show(state, "It rings there.");
    case "answered":
      return mine ? answered() : undefined;
    case "ended":
      return mine ? ended(message) : undefined;
    case "refused":
      part("wrong").textContent = message.why;
  }
}

function answered() {
  sound.tones.quiet();
  call.since = performance.now();
  part("pressed").textContent = "";
  show("talks", "Connected.");
  tick();
  clock = setInterval(tick, 1000);
  part("hangup").focus();
}

function ended({ code, by }) {
  const { since, incoming, left, other } = call;
  const lasted = since === undefined ? "" : ` after ${part("clock").textContent}`;
  let words = left ? "You hung up" : "They hung up";
  if (by === "network") words = "The connection was lost";
  if (since === undefined) {
    if (incoming) words = left ? "Declined: the caller gets a busy signal" : "They hung up before you answered";
    else words = left ? "You hung up" : (WHY[code] ?? `The call failed (SIP ${code})`);
  }
  over();
  part("to").value = spoken(other); // to call back
  const at = new Date().toTimeString().slice(0, 5);
  const missed = incoming && since === undefined;
  stored("calls", [{ other, incoming, missed, words: `${words}${lasted}`, at }, ...(stored("calls") ?? [])].slice(0, KEPT_CALLS));
  list();
  show("idle", `${words}${lasted}.`);
}

function list() {
  const lines = (stored("calls") ?? []).map(({ other, incoming, missed, words, at }) => {
    const line = document.createElement("li");
    line.classList.toggle("missed", Boolean(missed));
    const picture = document.createElement("i");
    picture.className = "avatar";
    picture.setAttribute("aria-hidden", "true");
    picture.append(face(other));
    const who = document.createElement("b");
    who.textContent = `${incoming ? "↙" : "↗"} ${named(other)}`;
    const what = document.createElement("span");
    what.textContent = [nameOf(other) && spoken(other), at, words].filter(Boolean).join(" · ");
    const again = document.createElement("button");
    again.type = "button";
    again.className = "quiet";
    const how = incoming ? "back" : "again";
    again.textContent = `Call ${how}`;
    again.setAttribute("aria-label", `Call ${spoken(other)} ${how}`);
    again.onclick = () => dial(other);
    line.append(picture, who, what, again);
    return line;
  });
  part("calls").replaceChildren(...lines);
}

function over() {
  clearInterval(clock);
  sound?.tones.quiet();
  sound?.speaker.postMessage(null);
  call = undefined;
  for (const id of ["clock", "pressed", "wrong"]) part(id).textContent = "";
  for (const id of ["mouth", "ear"]) part(id).value = 0;
}

function heard(frame) {
  if (!call) return;
  if (level("ear", frame) > HUSH) sound.tones.quiet(); // early media takes precedence over our own tone
  sound.speaker.postMessage(frame, [frame]);
}

function press(key) {
  if (state !== "talks" && state !== "idle") return;
  sound.tones.key(key);
  if (state === "idle") return void (part("to").value += key);
  part("pressed").textContent += key;
  say({ do: "press", call: call.id, digit: key });
}

// -- what the user does
part("off").addEventListener("submit", (event) => {
  event.preventDefault();
  switchOn();
});
part("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  part("wrong").textContent = "";
  dial(digits(part("to").value));
});
part("answer").addEventListener("click", () => say({ do: "answer", call: call.id }));
part("hangup").addEventListener("click", () => {
  if (!call) return;
  call.left = true;
  say({ do: "hangup", call: call.id });
});
part("switch-off").addEventListener("click", switchOff);
for (const key of keys) key.addEventListener("click", () => press(key.dataset.key));
for (const pick of document.querySelectorAll("[data-pick]")) {
  pick.addEventListener("click", () => (part("number").value = spoken(pick.dataset.pick)));
}
for (const other of document.querySelectorAll("[data-to]")) {
  other.addEventListener("click", () => {
    part("to").value = spoken(other.dataset.to);
    if (state === "idle") part("to").focus();
  });
}
for (const gesture of ["pointerdown", "keydown"]) {
  document.addEventListener(gesture, () => sound?.context.resume());
}
window.addEventListener("beforeunload", (event) => {
  if (call) event.preventDefault(); // the browser asks whether to leave
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (keys.some((key) => key.dataset.key === event.key)) press(event.key);
});

const asked = new URLSearchParams(location.search).get("number");
const before = stored("on"); // a reload: come back on, unless the address is that of another phone
part("number").value = spoken(digits(asked ?? (before || DEFAULT)));
list();
tellTime();
setInterval(tellTime, 5000);
part("on").disabled = false; // a click before would have sent the form
if (before && before === digits(part("number").value)) switchOn();
