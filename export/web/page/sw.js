// Keeps the site for use without a network, and isolates its page, so that WebAssembly may use threads.
//
// Threads need two headers that many static hosts cannot send (COOP and COEP). A service worker can add them to every
// answer: the idea of coi-serviceworker by Guido Zuidhof (github.com/gzuidhof/coi-serviceworker); this code is artrt's.
importScripts("files.js"); // SITE: version, all files, and those without which the page cannot be shown

const ROOT = self.registration.scope;
const PREFIX = `artrt ${ROOT} `;
const CACHE = PREFIX + self.SITE.version;
const FILES = new Set(self.SITE.files.map((name) => addressOf(name)));
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** The page has one address, whether a host calls it index.html or not. */
function addressOf(name) { return new URL(name === "index.html" ? "./" : encodeURI(name), ROOT).href; }

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) =>
    cache.addAll(self.SITE.shell.map((name) => new Request(addressOf(name), { cache: "reload" })))));
});

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith(PREFIX) && name !== CACHE;
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  url.hash = url.search = "";
  const address = url.href === new URL("index.html", ROOT).href ? ROOT : url.href;
  if (event.request.method === "GET" && FILES.has(address)) event.respondWith(answer(event, address));
});

async function answer(event, address) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(address);
  if (kept) return isolated(kept);
  const fresh = await fetch(address, { cache: "no-cache" });
  if (fresh.status === 200) event.waitUntil(cache.put(address, fresh.clone()));
  return isolated(fresh);
}

function isolated(response) {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
