// What somebody has written or marked is not lost: such a form is sent only while there is a session that takes it, and
// a change of language, or another part of the same claim, brings it along. Without this a form is sent as it is.

const KEPT = "kept-texts";
const ready = new WeakSet();

/** Return what was written into fields and chosen from lists, by their ids. */
const written = (place) => [...place.querySelectorAll("textarea, select, input[type=text], input:not([type])")]
  .filter((field) => field.id && (field.matches("select") ? isFilled(field) : field.value !== field.defaultValue))
  .map((field) => [field.id, field.value]);

function putBack(texts) {
  for (const [id, text] of texts) {
    const field = document.getElementById(id);
    if (!field) continue;
    field.value = text;
    field.closest("details")?.setAttribute("open", "");
  }
}

/** Say whether there is anything in a field that somebody would have to do again. */
function isFilled(field) {
  if (field.matches("[type=hidden], button")) return false;
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
  return Boolean(field.value?.trim());
}

/** Return what a page of now says of the session: who, and what its forms bring back; nothing where there is none. */
async function session(form) {
  const answer = await fetch(form.closest("[data-session]").dataset.session);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { viewer: page.getElementById("content")?.dataset.viewer, token: page.querySelector("input[name=token]")?.value };
}

function say(form) {
  const note = document.getElementById("session-over").content.firstElementChild;
  form.querySelector("[data-session-over]")?.remove();
  form.append(note.cloneNode(true));
}

async function ask(form, submitter) {
  try {
    const now = await session(form);
    if (!now.token || now.viewer !== document.getElementById("content").dataset.viewer) { say(form); return; }
    for (const field of document.querySelectorAll("input[name=token]")) field.value = now.token;
  } catch {
    // No answer at all: the browser says so better than this could.
  }
  form.querySelector("[data-session-over]")?.remove();
  ready.add(form);
  form.requestSubmit(submitter);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-keep]")) { keep(); return; }
  if (form.method !== "post" || !form.elements.token || ready.delete(form) || !form.closest("[data-viewer]")) return;
  if (![...form.elements].some(isFilled)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(form, event.submitter);
}, { capture: true });

/* --- A change of language: the same page again, and what was written in it --- */

function keep() {
  const texts = written(document.getElementById("content"));
  if (texts.length) sessionStorage.setItem(KEPT, JSON.stringify({ path: location.pathname, texts }));
}

function bring() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (kept?.path === location.pathname) putBack(kept.texts);
}
bring();

/* --- Another part of the same: data-draft says of what the forms in it are --- */

/** Do what replaces the page's content, and put back what was written where that is about the same. */
export function keepingDrafts(replace) {
  const draft = document.querySelector("[data-draft]");
  const texts = draft ? written(draft) : [];
  replace();
  if (texts.length && document.querySelector("[data-draft]")?.dataset.draft === draft.dataset.draft) putBack(texts);
}
