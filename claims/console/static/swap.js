// Links and forms inside data-swap fetch their page and replace the content of this one: filters, pages, tabs and
// decisions without loading everything again. Without this they are links and forms. What cannot be shown so (a page
// to sign in, a file) is gone to.

import { keepingDrafts } from "./keep.js";

const main = document.getElementById("content");
const pathOf = (address) => address.pathname + address.search;
let running = null;
let at = pathOf(location);

/** Show what was answered in the place of what is here. */
function take(page, address, isAnswer) {
  document.title = page.title;
  document.querySelector(".bar nav").replaceWith(page.querySelector(".bar nav"));
  const content = page.getElementById("content");
  main.toggleAttribute("data-swap", content.hasAttribute("data-swap"));
  const replace = () => main.replaceChildren(...content.childNodes);
  // What answers a form shows itself what was written there.
  if (isAnswer) replace();
  else keepingDrafts(replace);
  at = pathOf(location);
  document.dispatchEvent(new Event("shown"));
  // A fragment that is gone to, rather than pushed, is :target.
  if (address.hash) location.replace(address.hash);
}

/** Put the focus on what was asked for or where it was, or at the beginning of what is new; and say what is shown. */
function attend(id) {
  const place = id ? document.getElementById(id) : null;
  if (place?.tabIndex === -1) place.tabIndex = -1;
  (place ?? main).focus({ preventScroll: true });
  document.getElementById("live").textContent = main.querySelector("[role=alert]")?.textContent ?? document.title;
}

async function show(address, { body = null, push = true, focused = "" } = {}) {
  running?.abort();
  const mine = running = new AbortController();
  main.setAttribute("aria-busy", "true");
  try {
    // What changes something is not called back.
    const answer = await fetch(address, body ? { method: "POST", body } : { signal: mine.signal });
    const shown = new URL(answer.url);
    const isPage = answer.headers.get("Content-Type")?.startsWith("text/html");
    const page = isPage ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    if (running !== mine) return;
    // What says that a form was not taken has no address of its own.
    const isRefusal = body && !answer.redirected;
    if (!page || !(isRefusal || page.querySelector("#content[data-viewer]"))) { location.assign(shown); return; }
    shown.hash = new URL(address).hash;
    const isElsewhere = shown.pathname !== location.pathname || shown.searchParams.has("cursor");
    if (push && !isRefusal) history.pushState(null, "", pathOf(shown));
    take(page, shown, Boolean(body));
    if (isElsewhere && !shown.hash) scrollTo(0, 0);
    attend(shown.hash.slice(1) || (isElsewhere ? "" : focused));
  } catch (error) {
    if (error.name !== "AbortError") location.assign(body ? location : address);
  } finally {
    if (running === mine) main.removeAttribute("aria-busy");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-swap] a[href]:not([download], [href^='#'])");
  const isPlain = !(event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !isPlain) return;
  event.preventDefault();
  show(link.href, { focused: link.id });
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("[data-swap]") || event.defaultPrevented) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  if (form.method === "post") { show(form.action, { body: fields }); return; }
  const address = new URL(form.action);
  address.search = new URLSearchParams([...fields].filter(([, value]) => value));
  show(address, { focused: document.activeElement?.id });
});

addEventListener("popstate", () => {
  if (pathOf(location) !== at) show(location.href, { push: false });
});
