// Video: one clip, its first frame painted at once, the whole as a job.
import { ask, choose, el, newestOnly, say, send, told } from "./dom.js";
import { compare } from "./compare.js";
import { queue } from "./jobs.js";
import { controls, strip } from "./look.js";
import { choosePaintings } from "./paintings.js";
import { requestedLook, settle, store } from "./store.js";

const FILMS = "video/*,.mkv";
let chosen = null;

export function videoPlace(main) {
  settle();
  const picture = compare("The first frame, painted");
  const shelf = el("div", { class: "shelf", "aria-label": "Videos" });
  const canvas = el("div", { class: "canvas" });
  const styles = strip({ tile: (style) => style.painting, onChange: changed, onAdd: () => choosePaintings() });
  const panel = controls({ onChange: changed, moving: true });
  const jobs = queue(["video"], { onDone: (job) => { say(`${job.title} is painted`); if (job.video === chosen) play(job); } });
  const start = el("button", { class: "main", onclick: painted }, "Paint the video");
  main.replaceChildren(el("div", { class: "room" },
    el("section", { class: "stage", "aria-label": "Video" }, shelf, canvas), styles,
    el("aside", { class: "panel", "aria-label": "Look" }, panel, el("footer", {}, jobs, start))));

  function video() { return store.videos.find((one) => one.id === chosen); }

  const paint = newestOnly(async () => {
    const shown = video();
    if (!shown) return;
    picture.busy(true);
    await told(async () => {
      const still = await ask("POST", `/api/videos/${shown.id}/painted.jpg`, requestedLook());
      if (shown.id === chosen) picture.show({ painted: URL.createObjectURL(still) });
    });
    picture.busy(false);
  });

  function changed() { panel.refresh(); if (!canvas.contains(picture)) still(); paint(); }

  function still() {
    const shown = video();
    const poster = `/api/videos/${shown.id}/poster.jpg`;
    picture.show({ original: poster, painted: poster, ratio: shown.width / shown.height });
    canvas.replaceChildren(picture);
  }

  function show(id) {
    chosen = id;
    const shown = video();
    shelf.replaceChildren(...(store.videos.length ? [...store.videos.map(thumb), adding()] : []));
    start.disabled = !shown;
    if (!shown) { canvas.replaceChildren(empty()); return; }
    const done = store.jobs.filter((job) => job.video === id && job.state === "done").at(-1);
    if (done) { play(done); return; }
    still();
    paint();
  }

  function play(job) {
    const shown = video();
    const film = el("video", { src: `/api/jobs/${job.id}/file?show`, controls: true, loop: true, playsinline: true, muted: true, autoplay: true });
    const frame = el("div", { class: "picture" }, film);
    frame.style.setProperty("--ratio", shown.width / shown.height);
    canvas.replaceChildren(frame);
  }

  function thumb(one) {
    return el("button", { class: "thumb", "aria-current": one.id === chosen ? "true" : null, "aria-label": one.title, title: one.title,
      onclick: () => show(one.id) }, el("img", { src: `/api/videos/${one.id}/poster.jpg`, alt: "" }));
  }

  function adding() {
    return el("span", { class: "row" },
      el("button", { class: "quiet", onclick: () => choose({ accept: FILMS }, take) }, "Add"),
      el("button", { class: "quiet", onclick: () => forget(chosen) }, "Remove"));
  }

  function empty() {
    const { video_bytes: bytes, video_seconds: seconds } = store.limits;
    return el("div", { class: "empty" },
      el("h1", { class: "title" }, "Drop a video"),
      el("p", { class: "soft" }, `MP4, MOV, WebM or MKV; up to ${Math.round(seconds / 60)} minutes and ${Math.round(bytes / 1e6)} MB.`),
      el("button", { class: "main", onclick: () => choose({ accept: FILMS }, take) }, "Choose"));
  }

  async function take(files) {
    for (const file of files) {
      const news = await told(() => send("/api/videos", file, (share) => say(`${file.name}: ${Math.round(100 * share)} %`)));
      if (!news) continue;
      say("");
      store.videos.push(news);
      show(news.id);
    }
  }

  async function forget(id) {
    await told(() => ask("DELETE", `/api/videos/${id}`));
    store.videos = store.videos.filter((one) => one.id !== id);
    show(store.videos.at(-1)?.id || null);
  }

  async function painted() {
    const job = await told(() => ask("POST", `/api/videos/${chosen}/paint`, { look: requestedLook() }));
    if (job) jobs.add(job);
  }

  show(video() ? chosen : store.videos.at(-1)?.id || null);
  styles.reveal();
  if (store.brought) { const files = store.brought; store.brought = null; take(files); }
  return { take, leave: () => jobs.leave() };
}
