// Everything works by links and forms; this adds the keyboard, whole numbers, details of the time line, and live parts.
"use strict";
const token = document.querySelector("meta[name=console-token]").content;
const state = document.getElementById("state");

// ---- keyboard

// From a call to the list that led to it.
function goBack() {
  const from = document.referrer ? new URL(document.referrer) : null;
  if (from?.origin === location.origin && !from.pathname.startsWith("/calls/")) history.back();
  else location.assign("/calls");
}

function searchCalls(event) {
  event.preventDefault();
  const box = document.getElementById("search");
  if (box) box.select();
  else location.assign("/calls#search");
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if ((event.ctrlKey || event.metaKey) && event.key === "k") searchCalls(event);
  if (event.key === "Escape") {
    if (typing) typing.blur();
    else if (location.pathname.startsWith("/calls/")) goBack();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") searchCalls(event);
  if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.indexOf(document.activeElement);
    const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
    if (next) next.focus();
  }
});
if (location.hash === "#search") document.getElementById("search")?.select();
for (const field of document.querySelectorAll("[data-submits]")) field.addEventListener("change", () => field.form.requestSubmit());

// ---- whole numbers

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const body = new URLSearchParams({ token, party: button.dataset.party });
  const answer = await fetch(button.dataset.reveal, { method: "POST", body }).catch(() => null);
  if (answer?.ok) button.textContent = (await answer.json()).number;
  else button.title = "It cannot be shown now: what cannot be noted in the audit is not shown.";
});

// ---- details of the time line

function showDetail(event) {
  const about = event.target.closest?.("[data-title]");
  if (!about) return;
  const title = document.querySelector("[data-detail-title]");
  title.textContent = about.dataset.title;
  title.classList.remove("hint");
  document.querySelector("[data-detail-payload]").textContent = about.dataset.payload;
}
for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, showDetail);

// ---- live parts: each is replaced when it has changed, and keeps what the reader opened, chose or read

const live = document.querySelector("[data-live]");

const known = new Map(); // the HTML of each part as it came, by its name
for (const part of live?.querySelectorAll("[data-part]") ?? []) known.set(part.dataset.part, part.outerHTML);

function replaceParts(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  for (const after of made.content.querySelectorAll("[data-part]")) {
    const name = after.dataset.part;
    const before = live.querySelector(`[data-part="${name}"]`);
    if (!before || known.get(name) === after.outerHTML) continue;
    known.set(name, after.outerHTML);
    for (const details of before.querySelectorAll("details[open]")) after.querySelector("#" + details.id)?.setAttribute("open", "");
    const focused = before.contains(document.activeElement) && document.activeElement.dataset.title;
    const detail = before.querySelector("#detail");
    if (detail) after.querySelector("#detail").replaceWith(detail);
    before.replaceWith(after);
    if (focused) [...after.querySelectorAll("[data-title]")].find((each) => each.dataset.title === focused)?.focus();
  }
}

function say(text, lost) {
  state.textContent = text;
  state.classList.toggle("lost", lost);
}

if (live) {
  let last = state.dataset.shown;
  const clock = () => new Date().toLocaleTimeString("en-GB");
  let source = null;
  let isOver = false;
  // A browser has six connections to a server, for all tabs: one that nobody looks at must not keep one.
  const pause = () => {
    source?.close();
    source = null;
  };
  const follow = () => {
    if (source || isOver) return;
    source = new EventSource(live.dataset.live);
    source.addEventListener("page", (event) => {
      replaceParts(event.data);
      last = clock();
      say(`live, ${last}`, false);
    });
    source.addEventListener("lost", (event) => say(`not read: ${event.data}. This was known at ${last}`, true));
    source.addEventListener("over", (event) => {
      isOver = true;
      pause();
      say(`as of ${event.data}`, false);
    });
    source.onerror = () => say(`connection lost: this was known at ${last}`, true);
  };
  const followIfSeen = () => (document.hidden ? pause() : follow());
  document.addEventListener("visibilitychange", followIfSeen);
  addEventListener("pagehide", pause);
  addEventListener("pageshow", followIfSeen);
  followIfSeen();
}
