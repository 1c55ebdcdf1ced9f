// Styles: the paintings on the wall, and one's own: drop a painting, and it is a style.
import { ask, el, say, told } from "./dom.js";
import { queue } from "./jobs.js";
import { bringPaintings, choosePaintings, renewStyles } from "./paintings.js";
import { maker, settle, store } from "./store.js";

export function stylesPlace(main) {
  settle();
  const wall = el("div", { class: "gallery" });
  const jobs = queue(["style"], { onDone: (job) => { say(`${job.title} is trained`); told(renew); } });
  main.replaceChildren(wall);

  function render() {
    wall.replaceChildren(lead(), ...store.styles.map(work));
  }

  function lead() {
    return el("div", { class: "lead" },
      el("h1", { class: "title" }, `${store.styles.length} styles`),
      el("div", { class: "row" },
        el("button", { onclick: blend }, "Keep the blend"),
        el("button", { onclick: () => choosePaintings(render) }, "Add a painting")),
      jobs);
  }

  function work(style) {
    const painting = style.painting, sample = sampleOf(style);
    const pictures = el("button", { class: "pictures", "aria-label": `Paint in ${style.title || style.name}`, onclick: () => use(style) },
      ...[painting, sample].filter(Boolean).map((src) => el("img", { src, alt: "", loading: "lazy" })));
    return el("article", { class: "work", "data-name": style.name },
      pictures,
      el("div", { class: "label" }, el("h2", { class: "title" }, style.title || style.name), el("small", {}, maker(style) || "Your own")),
      style.id ? el("div", { class: "row" },
        style.painting ? el("button", { onclick: () => train(style), title: "Learns from the painting for some minutes" }, "Train") : null,
        el("button", { onclick: () => rename(style) }, "Rename"),
        el("a", { class: "button", href: `/api/styles/${style.id}/file`, download: "" }, "Export"),
        el("button", { onclick: () => forget(style) }, "Delete")) : null);
  }

  /** The visitor's own photograph in this style, when its tile was painted already. */
  function sampleOf(style) {
    const photo = store.photos.at(-1);
    return photo ? store.tiles.get(`${photo.id}/${style.name}`) || "" : "";
  }

  function use(style) {
    store.look.style = style.name;
    location.hash = "#photo";
  }

  async function renew() {
    await renewStyles();
    render();
  }

  async function blend() {
    const { style, second, share } = store.look;
    if (!(share > 0 && share < 1)) { say("Blend two styles in Photo first, then keep the blend here"); return; }
    const title = prompt("A name for it", "");
    if (!title) return;
    const text = `${style}:${(1 - share).toFixed(3)}+${second}:${share.toFixed(3)}`;
    await told(async () => {
      const news = await ask("POST", "/api/styles", { style: text, title });
      Object.assign(store.look, { style: news.name, share: 0 });
      await renew();
    });
  }

  async function bring(files) {
    await bringPaintings(files);
    render();
  }

  async function rename(style) {
    const title = prompt("Its name", style.title);
    if (title && title !== style.title) await told(async () => { await ask("POST", `/api/styles/${style.id}`, { title }); await renew(); });
  }

  async function train(style) {
    const job = await told(() => ask("POST", `/api/styles/${style.id}/train`));
    if (job) jobs.add(job);
  }

  async function forget(style) {
    await told(async () => { await ask("DELETE", `/api/styles/${style.id}`); await renew(); });
  }

  render();
  return { take: bring, leave: () => jobs.leave() };
}

