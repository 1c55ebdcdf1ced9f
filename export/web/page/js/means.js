// What paints, loaded once for both places: its progress, then its name.
import { el } from "./dom.js";
import { Painter } from "./painter.js";
import { fetchRest } from "./site.js";
import { store } from "./store.js";

/** Starts loading; `store.painter` is there when the promise `store.ready` ends. */
export function load() {
  const painter = new Painter();
  store.share = 0;
  store.ready = painter.start((share) => { store.share = share; shown.forEach((show) => show()); }).then((means) => {
    store.painter = painter;
    store.means = means;
    fetchRest().catch(() => {}); // fetched again when it is needed
    painter.onmeans = (news) => {
      if (news.backend === store.means.backend) return;
      store.means = news;
      shown.forEach((show) => show());
    };
  }).catch((error) => { store.failure = error; throw error; }).finally(() => shown.forEach((show) => show()));
}

const shown = new Set();

/** A line that says it, for the foot of the panel. */
export function meansLine() {
  const line = el("div", { class: "means" });
  const bar = el("progress", { max: 1, value: 0, "aria-label": "Loading the model" });
  const show = () => {
    if (store.failure) { line.replaceChildren(el("span", {}, `This browser cannot paint: ${store.failure.message}`)); return; }
    if (!store.means) {
      bar.value = store.share;
      if (!bar.isConnected) line.replaceChildren(el("span", {}, "Loading the model, once"), bar);
      return;
    }
    const { backend, threads, why } = store.means;
    const spread = backend === "WebGPU" ? "" : threads > 1 ? `, ${threads} threads` : ", one thread";
    line.replaceChildren(el("span", {}, `On this device: ${backend}${spread}`), why ? el("span", {}, `WebGPU failed: ${why}`) : "");
  };
  show();
  shown.add(show);
  line.leave = () => shown.delete(show);
  return line;
}
