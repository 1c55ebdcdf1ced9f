// The page's side of worker.js.
import { store } from "./store.js";

const query = new URLSearchParams(location.search); // ?backend=wasm|webgpu and ?threads=1, to find faults

export class Painter {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #next = 0;
  onmeans = () => {}; // called with what paints, after each picture

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
    const { networks, builds, opening } = store.site;
    return this.#ask("start", { networks, builds, style: opening, threads: threads(), backend: query.get("backend") }, { tell });
  }

  /** Paints a bitmap, which is given away; see worker.js. */
  async paint(wish) {
    const answer = await this.#ask("paint", wish, { transfer: [wish.bitmap] });
    this.onmeans(answer.means);
    return answer;
  }

  /** The style of a painting, a bitmap, which is given away: its vector. */
  read(bitmap) { return this.#ask("read", { bitmap, side: store.site.encoder.side }, { transfer: [bitmap] }); }

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
