// The service worker: the site without a network, and threads on hosts that send no headers. See sw.js.
const TRIED = "artrt isolation tried";

/** Starts it. Where the page is not isolated yet, it is loaded once more: this time with the headers that threads need. */
export async function offline() {
  if (!navigator.serviceWorker) return; // an address without https: the page works online, in one thread
  try {
    await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
    await within(10_000, navigator.serviceWorker.ready);
    if (!navigator.serviceWorker.controller) await within(2000, event(navigator.serviceWorker, "controllerchange"));
  } catch (error) {
    console.info(`artrt: not kept for use without a network (${error.message})`);
    return;
  }
  if (crossOriginIsolated || sessionStorage.getItem(TRIED)) return;
  sessionStorage.setItem(TRIED, "yes");
  location.reload();
  await new Promise(() => {}); // nothing more happens on this page
}

/** Shows `#install` while the browser offers to install the page. */
export function installable() {
  const button = document.getElementById("install");
  let offer = null;
  addEventListener("beforeinstallprompt", (event) => { event.preventDefault(); offer = event; button.hidden = false; });
  addEventListener("appinstalled", () => { button.hidden = true; });
  button.addEventListener("click", async () => { button.hidden = true; await offer?.prompt(); });
}

const event = (target, name) => new Promise((done) => target.addEventListener(name, done, { once: true }));
const within = (ms, promise) =>
  Promise.race([promise, new Promise((_, fail) => setTimeout(() => fail(new Error("it took too long")), ms))]);
