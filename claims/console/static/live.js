// Parts of a page that are told again as they change: data-live names where. Without this the page is as it was loaded.

const LATER_MS = 10_000;
const told = new WeakMap();
let open = [];

function follow(address) {
  const source = new EventSource(address);
  const one = { close: () => source.close() };
  source.addEventListener("message", (event) => {
    for (const [id, html] of Object.entries(JSON.parse(event.data))) {
      const place = document.getElementById(id);
      // A new stream begins with what is known: readers of the screen are not told twice.
      if (place && (told.get(place) ?? place.innerHTML) !== html) put(place, html);
      if (place) told.set(place, html);
    }
  });
  source.addEventListener("end", () => { source.close(); if (!isBeingTyped()) location.reload(); });
  source.addEventListener("error", () => {
    // The browser tries again by itself unless it was answered with an error: a server that starts anew.
    if (source.readyState !== EventSource.CLOSED) return;
    const timer = setTimeout(() => { Object.assign(one, follow(address)); }, LATER_MS);
    one.close = () => clearTimeout(timer);
  });
  return one;
}

// Whoever stands on a link there stays on it.
function put(place, html) {
  const held = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  place.innerHTML = html;
  if (held) place.querySelector(`[href="${CSS.escape(held)}"]`)?.focus();
}

// What somebody has begun to write is not taken from him.
function isBeingTyped() {
  return [...document.querySelectorAll("main textarea, main input:not([type=hidden])")].some((one) => one.value !== one.defaultValue);
}

function stop() {
  for (const one of open) one.close();
  open = [];
}

// Only what somebody looks at: a browser has few connections to one host, and a tab in the background needs none.
function begin() {
  stop();
  if (document.hidden) return;
  open = [...document.querySelectorAll("[data-live]")].map((place) => follow(place.dataset.live));
}

document.addEventListener("shown", begin);
document.addEventListener("visibilitychange", begin);
addEventListener("pagehide", stop);
addEventListener("pageshow", (event) => { if (event.persisted) begin(); });
begin();
