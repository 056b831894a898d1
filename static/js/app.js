// app.js: what makes the pages quicker to use. Every page works without it.
"use strict";

const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Times: the server writes words and an exact title; here they age and move into the reader's zone.
const STEPS = [[60, 1, "s"], [3600, 60, "min"], [172800, 3600, "h"], [31536000, 86400, "d"], [Infinity, 31536000, "y"]];
const full = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

function words(seconds) {
  const [, unit, name] = STEPS.find(([below]) => Math.abs(seconds) < below);
  return `${seconds < 0 ? "in " : ""}${Math.floor(Math.abs(seconds) / unit)} ${name}`;
}

// The month is written as the server writes it.
function exact(moment) {
  return full.format(moment).replace("Sept", "Sep");
}

function short(moment) {
  const now = new Date();
  if (moment.toDateString() === now.toDateString()) return clock.format(moment);
  return day.format(moment).replace("Sept", "Sep") + (moment.getFullYear() === now.getFullYear() ? "" : ` ${moment.getFullYear()}`);
}

function tellTimes() {
  for (const time of all("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const text = time.className === "on" ? exact(moment) : time.className === "at" ? short(moment) : words((Date.now() - moment) / 1000);
    if (time.textContent !== text) time.textContent = text;
    time.title = exact(moment);
  }
}
for (const page of all(".top nav [aria-current]")) page.parentElement.scrollLeft = page.offsetLeft + page.offsetWidth / 2 - page.parentElement.offsetWidth / 2;
for (const drawing of all(".timeline")) drawing.parentElement.scrollLeft = drawing.scrollWidth;
tellTimes();
setInterval(tellTimes, 10000);

// A refused form is answered with the page it was sent from: its address is that page's, to be loaded again.
for (const page of all("[data-at]")) if (location.pathname !== page.dataset.at) history.replaceState(null, "", page.dataset.at);

// Light or dark: the answer is stored by the same form that works without a script.
for (const form of all("form.theme")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const theme = event.submitter.value;
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    const body = new FormData(form, event.submitter);
    fetch(form.action, { method: "POST", body, redirect: "manual", credentials: "same-origin" });
    form.closest("details")?.removeAttribute("open");
  });
}

// A list to choose from that needs no button.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

// Toasts, menus, copying, ticking all
function show(selector) {
  for (const one of all(selector)) one.hidden = false;
}
show("[data-copy], [data-all], [data-open]");

document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const target = event.target.closest("[data-dismiss], [data-copy], [data-open]");
  if (!target) return;
  if ("dismiss" in target.dataset) {
    event.preventDefault();
    target.closest(".toast").remove();
  } else if (target.dataset.copy) {
    const source = document.getElementById(target.dataset.copy);
    navigator.clipboard?.writeText(source.textContent).then(() => target.lastChild.replaceWith("Copied"));
  } else {
    document.getElementById(target.dataset.open).showModal();
  }
});

function tell(sentence) {
  const toast = document.createElement("div");
  toast.className = "toast bad";
  toast.setAttribute("role", "alert");
  toast.textContent = sentence;
  toast.dataset.dismiss = "";
  document.getElementById("toasts")?.append(toast);
}

function countTicks() {
  for (const button of all("[data-count]")) {
    const boxes = all(`input[name="${button.dataset.count}"]`);
    const count = boxes.filter((box) => box.checked).length;
    const [many, one] = button.dataset.words.split("|");
    button.textContent = count === 1 ? one : many.replace("{}", count);
    button.disabled = count === 0;
    for (const box of all(`[data-all="${button.dataset.count}"]`)) {
      box.checked = count === boxes.length;
      box.indeterminate = count > 0 && count < boxes.length;
    }
  }
}
document.addEventListener("change", (event) => {
  const name = event.target.dataset.all;
  if (name) for (const box of all(`input[name="${name}"]`)) box.checked = event.target.checked;
  countTicks();
});
countTicks();

// Keys: off inside inputs, and off altogether when the reader says so
const keys = document.querySelector("[data-keys]");
if (keys) {
  keys.checked = localStorage.getItem("keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));
}
let last = "";

function moveRow(step) {
  const rows = all("[data-rows] tbody tr").filter((row) => row.querySelector("a"));
  const here = document.activeElement.closest("tr");
  const row = rows[rows.indexOf(here) + step] ?? (here ? null : rows[0]);
  if (!row) return;
  const cell = here ? [...here.cells].indexOf(document.activeElement.closest("td, th")) : 0;
  (row.cells[cell]?.querySelector("a") ?? row.querySelector("a")).focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of all("details.menu[open]")) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable], dialog");
  if (typing || !keys || !keys.checked || event.ctrlKey || event.metaKey || event.altKey) return;
  const before = last;
  last = event.key;
  if (before === "g") {
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "/") {
    const fields = all("[data-search]").filter((one) => one.checkVisibility?.() ?? true);
    const field = fields.find((one) => one.closest("main")) ?? fields[0];
    if (!field) return;
    event.preventDefault();
    field.select();
  } else if (event.key === "j") moveRow(1);
  else if (event.key === "k") moveRow(-1);
  else if (event.key === "?") document.getElementById("help").showModal();
});

// htmx: no poll in a hidden tab, no empty filters in the address, a sign-in page is gone to and never put
// into a panel, and a page that cannot be refreshed says since when.
const offline = document.getElementById("offline");

function setOffline(isOffline) {
  if (offline && isOffline && offline.hidden) offline.querySelector("time").dateTime = new Date().toISOString();
  if (offline) offline.hidden = !isOffline;
  tellTimes();
}

document.addEventListener("htmx:config:request", (event) => {
  const { request, sourceEvent } = event.detail.ctx;
  if (sourceEvent?.type === "every" && document.hidden) return event.preventDefault();
  if (request.method !== "GET") return;
  for (const [name, value] of [...request.body]) if (value === "") request.body.delete(name);
});
document.addEventListener("htmx:before:response", (event) => {
  const { request, response: { raw } } = event.detail.ctx;
  const isPoll = request.method === "GET";
  if (isPoll) setOffline(raw.status >= 500);
  else if (raw.status >= 400 && ![409, 422].includes(raw.status)) tell(`That was not done: the server answered ${raw.status}. Load the page again to see how it stands.`);
  if (!raw.redirected) return;
  event.preventDefault();
  if (isPoll) location.reload();
  else location.href = raw.url;
});
document.addEventListener("htmx:error", () => setOffline(true));
// What somebody opened or closed stays so when a poll brings news.
const turned = new Map();
document.addEventListener("click", (event) => {
  const folded = event.target.closest("summary")?.parentElement;
  if (folded?.id) turned.set(folded.id, !folded.open);
});
document.addEventListener("htmx:after:swap", () => {
  for (const [id, open] of turned) document.getElementById(id)?.toggleAttribute("open", open);
  tellTimes();
  show("[data-copy], [data-all], [data-open]");
  countTicks();
});
