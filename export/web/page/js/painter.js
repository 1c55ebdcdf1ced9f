// The page's side of worker.js.
import { store } from "./store.js";

const query = new URLSearchParams(location.search); // ?backend=wasm|webgpu and ?threads=1, to find faults

export class Painter {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #next = 0;

  constructor() {
    this.#worker.onmessage = ({ data: { id, news, answer, error } }) => {
      const task = this.#waiting.get(id);
      if (!task) return;
      if (news !== undefined) { task.tell(news); return; }
      this.#waiting.delete(id);
      if (error === undefined) task.resolve(answer);
      else task.reject(new Error(error));
    };
    this.#worker.onerror = (event) => this.#fail(new Error(event.message || "the painter does not run in this browser"));
  }

  /** Loads runtime and model; the answer says what paints: { backend, threads, why }. */
  start(tell = () => {}) {
    const { model, builds, contract, opening } = store.site;
    return this.#ask("start", { model, builds, contract, style: opening, threads: threads(), backend: query.get("backend") }, { tell });
  }

  /** Paints a bitmap, which is given away; see worker.js. */
  paint(wish) { return this.#ask("paint", wish, { transfer: [wish.bitmap] }); }

  /** Ends the worker, and gives its memory back. */
  close() {
    this.#worker.terminate();
    this.#fail(new Error("the painter was closed"));
  }

  #ask(task, wish, { tell = () => {}, transfer = [] }) {
    return new Promise((resolve, reject) => {
      const id = (this.#next += 1);
      this.#waiting.set(id, { resolve, reject, tell });
      this.#worker.postMessage({ id, task, wish }, transfer);
    });
  }

  #fail(error) {
    for (const task of this.#waiting.values()) task.reject(error);
    this.#waiting.clear();
  }
}

function threads() {
  if (!crossOriginIsolated) return 1;
  return Number(query.get("threads")) || Math.min(4, navigator.hardwareConcurrency || 1);
}
