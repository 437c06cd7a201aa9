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
  }
  if (!window.EventSource) look();
}

function watch(base) {
  let failures = 0;
  const poll = async () => {
    let complete = false;
    try {
      const answer = await (await fetch(`${base}/parts`)).json();
      show(answer.parts);
      complete = answer.complete;
    } catch {
      // the site is temporarily unreachable; try again later
    }
    if (!complete) setTimeout(poll, 2000);
  };
  look = poll;
  if (!window.EventSource) return poll();
  const stream = new EventSource(`${base}/stream`);
  let complete = false;
  stream.onmessage = (message) => {
    failures = 0;
    const news = JSON.parse(message.data);
    show(news.parts);
    complete = news.complete;
  };
  stream.onerror = () => {
    failures += 1;
    if (complete) return stream.close();
    if (failures > 3) {
      stream.close();
      poll();
    }
  };
  setInterval(tick, matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 100);
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
  if (!chart) return;
  const now = Number(chart.dataset.now) + (performance.now() - started) / 1000;
  const span = Number(chart.style.getPropertyValue("--span"));
  chart.style.setProperty("--now", Math.min(now, span).toFixed(2));
}
