// Updates the live page and fills in sample numbers. Without scripts every page works too, by reloading.
"use strict";

document.addEventListener("click", (event) => {
  const number = event.target.closest("[data-fill-number]");
  const code = event.target.closest("[data-fill]");
  if (number) fill("number", number.dataset.fillNumber);
  if (code) fill("ref", code.dataset.fill);
});

function fill(name, value) {
  const field = document.getElementById(name);
  field.value = value;
  field.focus();
}

// Submit a form only once. The server would recognise a second one by its token; this avoids the wait.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent || form.querySelector("[aria-disabled=true]")) return event.preventDefault();
  if (form.matches("[data-stop]")) return stop(event, form);
  form.dataset.sent = "yes";
  const button = event.submitter || form.querySelector("button:not([type=button])");
  button.setAttribute("aria-disabled", "true");
  button.textContent = "One moment…";
});

// Back on a page from the browser's cache: its form may be submitted again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

let look = () => {}; // fetches the current state of the call
let started = performance.now(); // when the chart's "now" was current
let heard = new Date(); // when the server was last heard
let silence; // the timer that takes the server for lost
const page = document.querySelector("[data-call]");
if (page) watch(`/calls/${page.dataset.call}`);

async function stop(event, form) {
  event.preventDefault();
  const button = form.querySelector("button");
  button.setAttribute("aria-disabled", "true");
  button.textContent = "Ending the call…";
  try {
    await fetch(form.action, { method: "POST" });
  } catch {
    button.removeAttribute("aria-disabled");
    button.textContent = "End the call";
    lost();
  }
  if (!window.EventSource) look();
}

function watch(base) {
  let failures = 0;
  let complete = false;
  const take = (news) => {
    failures = 0;
    complete = news.complete;
    found();
    show(news.parts);
    if (complete) clearTimeout(silence);
  };
  const poll = async () => {
    try {
      take(await (await fetch(`${base}/parts`)).json());
    } catch {
      lost();
    }
    if (!complete) setTimeout(poll, 2000);
  };
  look = poll;
  found();
  setInterval(tick, matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 100);
  if (!window.EventSource) return poll();
  const stream = new EventSource(`${base}/stream`);
  stream.onmessage = (message) => take(JSON.parse(message.data));
  stream.onerror = () => {
    failures += 1;
    if (complete) return stream.close();
    if (failures === 1) expect(1500); // the server ends a stream after ten minutes, and the browser opens it again
    if (failures > 1 || stream.readyState === EventSource.CLOSED) {
      stream.close();
      poll();
    }
  };
}

function expect(ms) {
  clearTimeout(silence);
  silence = setTimeout(lost, ms);
}

function found() {
  heard = new Date();
  page.classList.remove("stale");
  document.getElementById("lost").hidden = true;
  expect(11000); // the stream says something every 5 s
}

// The server is gone: what is shown stands still, and says so.
function lost() {
  clearTimeout(silence);
  if (page.classList.contains("stale")) return;
  page.classList.add("stale");
  const note = document.getElementById("lost");
  note.hidden = false;
  note.textContent = `No connection to our server. This is what was known at ${heard.toISOString().slice(11, 19)} UTC.`;
}

// Unchanged parts are not replaced, because that would lose the focus, and a player's position.
function show(parts) {
  for (const [name, html] of Object.entries(parts)) {
    const part = document.getElementById(name);
    if (part.dataset.shown === html) continue;
    const hadFocus = part.contains(document.activeElement);
    part.innerHTML = html;
    part.dataset.shown = html;
    if (name === "line") started = performance.now();
    if (hadFocus) part.querySelector("button, a")?.focus();
  }
}

function tick() {
  const chart = document.querySelector(".chart[data-live]");
  if (!chart || page.classList.contains("stale")) return;
  const now = Number(chart.dataset.now) + (performance.now() - started) / 1000;
  const span = Number(chart.style.getPropertyValue("--span"));
  chart.style.setProperty("--now", Math.min(now, span).toFixed(2));
}
