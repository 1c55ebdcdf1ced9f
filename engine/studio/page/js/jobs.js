// The queue: what runs, how far it is, what came of it. The server keeps it, so a reload shows it again.
import { ask, el, say, told } from "./dom.js";
import { store } from "./store.js";

const POLL_MS = 500;

/** The list of jobs of some kinds; it asks the server while something runs. */
export function queue(kinds, { onDone = () => {} } = {}) {
  const list = el("ul", { class: "jobs", "aria-label": "Queue" });
  let timer = 0, gone = false;
  const seen = new Map(store.jobs.map((job) => [job.id, job.state]));
  const render = () => {
    const mine = store.jobs.filter((job) => kinds.includes(job.kind));
    list.hidden = mine.length === 0;
    list.replaceChildren(...mine.slice(-8).reverse().map(entry));
  };
  const entry = (job) => {
    const remove = el("button", {
      class: "quiet", "aria-label": `${running(job) ? "Cancel" : "Remove"} ${job.title}`,
      onclick: () => told(async () => { await ask("DELETE", `/api/jobs/${job.id}`); await poll(); }),
    }, running(job) ? "Cancel" : "Remove");
    const file = `/api/jobs/${job.id}/file`;
    const done = job.state === "done" && job.name
      ? el("span", { class: "row" }, el("a", { class: "button", href: file, download: job.name }, "Save"), remove) : remove;
    return el("li", { class: "job", "data-state": job.state, "data-id": job.id },
      el("span", { class: "what" }, job.title), done,
      job.sample ? el("img", { class: "sample", src: `/api/jobs/${job.id}/sample.jpg?${job.sample}`, alt: "Photographs above, painted below" }) : null,
      running(job) ? el("progress", { max: 1, value: job.share, "aria-label": `${job.title}, progress` }) : null,
      el("span", { class: "soft" }, tells(job)));
  };
  const poll = async () => {
    clearTimeout(timer);
    if (gone) return;
    await told(async () => {
      store.jobs = await ask("GET", "/api/jobs");
      for (const job of store.jobs) {
        if (job.state === "done" && seen.get(job.id) !== "done" && kinds.includes(job.kind)) onDone(job);
        if (job.state === "failed" && seen.has(job.id) && seen.get(job.id) !== "failed") say(job.error, true);
        seen.set(job.id, job.state);
      }
    });
    if (gone) return;
    render();
    if (store.jobs.some(running)) timer = setTimeout(poll, POLL_MS);
  };
  render();
  if (store.jobs.some(running)) poll();
  list.add = (job) => { store.jobs.push(job); seen.set(job.id, job.state); render(); poll(); };
  list.leave = () => { gone = true; clearTimeout(timer); };
  return list;
}

const running = (job) => job.state === "waiting" || job.state === "running";

function tells(job) {
  if (job.state === "running") {
    const left = job.seconds_left === null ? "" : `, ${length(job.seconds_left)} left`;
    return `${Math.floor(100 * job.share)} %${left}`;
  }
  return { waiting: "waiting", done: "done", failed: job.error, cancelled: "cancelled" }[job.state];
}

const length = (seconds) => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);
