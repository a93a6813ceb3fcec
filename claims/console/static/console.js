// Keys for lists and claims. Everything they do is also a link or a button; with keys switched off nothing here acts.
// Nothing is remembered of the page but the name of a row: parts of it may be replaced at any time (swap.js), and
// "shown" says so.

const keysAreOn = document.documentElement.dataset.keys !== "off";

const isField = (at) => at.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const isTyping = (event) =>
  event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isField(event.target);

// A link or a button that has the focus is what Enter means, whatever the row of it would open.
const isPressing = (event) => event.key === "Enter" && event.target.matches?.("a, button, summary");

/* --- Rows: j and k move, Enter opens --- */

const allRows = () => [...document.querySelectorAll("[data-rows] tbody tr")];
const currentRow = () => document.querySelector("[data-rows] tr[aria-selected=true]");

let current = "";

function select(row) {
  for (const one of document.querySelectorAll("[data-rows] tr[aria-selected]")) one.removeAttribute("aria-selected");
  row.setAttribute("aria-selected", "true");
  current = row.id;
}

function move(step) {
  const rows = allRows();
  const row = rows[Math.min(rows.length - 1, Math.max(0, rows.indexOf(currentRow()) + step))];
  if (!row) return;
  select(row);
  row.scrollIntoView({ block: "nearest" });
  (row.querySelector("a, input") ?? row).focus({ preventScroll: true });
}

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-rows] tbody tr");
  if (row) select(row);
});

/* --- Marks: how many, and how much they come to --- */

function tally() {
  const marks = [...document.querySelectorAll("input[data-mark]")];
  if (!marks.length) return;
  const chosen = marks.filter((mark) => mark.checked);
  for (const mark of marks) mark.closest("tr")?.classList.toggle("chosen", mark.checked);
  const sum = chosen.reduce((total, mark) => total + Number(mark.dataset.amount ?? 0), 0);
  for (const place of document.querySelectorAll("[data-marked-count]")) place.textContent = String(chosen.length);
  for (const place of document.querySelectorAll("[data-marked-sum]")) {
    place.textContent = `${Math.round(sum).toString().replace(/\B(?=(\d{3})+$)/g, ".")}\u00a0đ`;
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches("input[data-mark-all]")) {
    for (const mark of document.querySelectorAll("input[data-mark]")) mark.checked = event.target.checked;
  }
  if (event.target.matches("input[data-mark], input[data-mark-all]")) tally();
});

/* --- Keys that press a button or follow a link: data-key="a" --- */

function press(key) {
  const inRow = currentRow()?.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const target = inRow ?? document.querySelector(`:not(tr *)[data-key="${CSS.escape(key)}"]`);
  if (!target || target.closest("[hidden]")) return false;
  if (target.matches("details, summary")) open(target.closest("details"));
  else if (isField(target)) target.focus();
  else target.click();
  return true;
}

// The focus goes along: what is typed next is meant for what was opened, and is no key.
function open(details) {
  details.open = true;
  const fields = "input:not([type=hidden]), textarea, select, button, a[href]";
  [...details.querySelectorAll(fields)].find((one) => !one.closest("summary"))?.focus();
}

/* --- f: from finding to finding, each where it is --- */

function goToNextFinding() {
  const all = [...document.querySelectorAll("[data-finding]")];
  const next = all[all.findLastIndex((one) => one.href === location.href) + 1] ?? all[0];
  next?.click();
  return Boolean(next);
}

if (keysAreOn) {
  document.addEventListener("keydown", (event) => {
    if (isTyping(event) || isPressing(event)) return;
    if (event.key === "j" && allRows().length) move(1);
    else if (event.key === "k" && allRows().length) move(-1);
    // A key that is held would decide on the next claim, and on the one behind it.
    else if (event.repeat) return;
    else if (event.key === "f" && goToNextFinding()) { /* gone there */ }
    else if (!press(event.key)) return;
    event.preventDefault();
  });
  // Out of a field, letters are keys again.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && isField(event.target)) event.target.blur();
  });
}

/* --- Forms are sent once, unless what is asked for is a file: the page stays as it is --- */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.method === "post" && !event.submitter?.hasAttribute("data-download")) form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

/* --- Parts that go away when their time is over: data-until="2026-…" --- */

function wait() {
  for (const part of document.querySelectorAll("[data-until]")) {
    const left = Date.parse(part.dataset.until) - Date.now();
    if (left > 0) setTimeout(() => { part.hidden = true; }, left);
    else part.hidden = true;
  }
}

/* --- A menu closes when one leaves it --- */

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

/* --- The bar at the top may be wider than a telephone, and two lines high: where one is, is in sight --- */

function showPlace() {
  const bar = document.querySelector(".bar nav");
  const here = bar?.querySelector("[aria-current]");
  if (here) bar.scrollLeft = here.offsetLeft - bar.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
}

new ResizeObserver(([{ target }]) => {
  const height = getComputedStyle(target).position === "sticky" ? target.offsetHeight : 0;
  document.documentElement.style.setProperty("--bar-height", `${height}px`);
}).observe(document.querySelector(".bar"));

function selectAgain() {
  const row = current && document.getElementById(current);
  if (row) select(row);
}

function begin() { tally(); wait(); showPlace(); selectAgain(); }
document.addEventListener("shown", begin);
begin();
