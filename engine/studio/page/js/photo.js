// Photo: drop one, see it painted, keep it.
import { ask, choose, el, newestOnly, save, say, send, told } from "./dom.js";
import { compare } from "./compare.js";
import { queue } from "./jobs.js";
import { controls, strip } from "./look.js";
import { choosePaintings } from "./paintings.js";
import { requestedLook, settle, store } from "./store.js";

const PICTURES = "image/jpeg,image/png,image/webp,image/bmp,image/tiff";
let chosen = null; // id of the photograph that is shown

export function photoPlace(main) {
  settle();
  const picture = compare("The painted photograph");
  const shelf = el("div", { class: "shelf", "aria-label": "Photographs" });
  const canvas = el("div", { class: "canvas" });
  const styles = strip({ tile: (style) => tileOf(style) || style.painting, onChange: changed, onAdd: () => choosePaintings() });
  const panel = controls({ onChange: changed });
  const jobs = queue(["photos"], { onDone: (job) => save(`/api/jobs/${job.id}/file`, job.name) });
  const form = el("select", { "aria-label": "Format" },
    ...["JPEG", "PNG", "WebP"].map((name) => el("option", { value: name.toLowerCase() }, name)));
  const download = el("button", { class: "main grow", onclick: () => exported([chosen]) }, "Save full size");
  const all = el("button", { onclick: () => exported(store.photos.map((photo) => photo.id)) }, "Save all as zip");
  main.replaceChildren(el("div", { class: "room" },
    el("section", { class: "stage", "aria-label": "Photograph" }, shelf, canvas), styles,
    el("aside", { class: "panel", "aria-label": "Look" }, panel,
      el("footer", {}, jobs, el("div", { class: "row" }, download, form), all))));

  function photo() { return store.photos.find((one) => one.id === chosen); }
  function tileOf(style) { return store.tiles.get(`${chosen}/${style.name}`); }

  const paint = newestOnly(async () => {
    const shown = photo();
    if (!shown) return;
    picture.busy(true);
    await told(async () => {
      const painted = await ask("POST", `/api/photos/${shown.id}/painted.jpg`, { ...requestedLook(), long_side_px: previewPx() });
      if (shown.id === chosen) picture.show({ painted: URL.createObjectURL(painted) });
    });
    picture.busy(false);
    tiles();
  });

  const tiles = newestOnly(async () => {
    const shown = chosen;
    for (const style of [...store.styles]) {
      const key = `${shown}/${style.name}`;
      if (shown !== chosen || !shown) return;
      if (!store.tiles.has(key)) {
        const tile = await ask("GET", `/api/photos/${shown}/tiles/${style.name}.jpg`).catch(() => null);
        if (!tile) continue;
        store.tiles.set(key, URL.createObjectURL(tile));
      }
      if (shown === chosen) styles.show(style.name, store.tiles.get(key));
    }
  });

  function changed() { panel.refresh(); paint(); }

  function show(id) {
    chosen = id;
    const shown = photo();
    shelf.replaceChildren(...(store.photos.length ? [...store.photos.map(thumb), adding()] : []));
    download.disabled = !shown;
    all.hidden = store.photos.length < 2;
    if (!shown) { canvas.replaceChildren(empty()); return; }
    const original = `/api/photos/${shown.id}/original.jpg`;
    picture.show({ original, painted: original, ratio: shown.width / shown.height });
    canvas.replaceChildren(picture);
    paint();
  }

  function thumb(one) {
    return el("button", { class: "thumb", "aria-current": one.id === chosen ? "true" : null, "aria-label": one.title, title: one.title,
      onclick: () => show(one.id), onkeydown: (event) => event.key === "Delete" && forget(one.id) },
    el("img", { src: `/api/photos/${one.id}/original.jpg`, alt: "" }));
  }

  function adding() {
    return el("span", { class: "row" },
      el("button", { class: "quiet", onclick: () => choose({ accept: PICTURES, multiple: true }, take) }, "Add"),
      el("button", { class: "quiet", onclick: () => forget(chosen) }, "Remove"));
  }

  function empty() {
    return el("div", { class: "empty" },
      el("h1", { class: "title" }, "Drop a photograph"),
      el("p", { class: "soft" }, "Or paste one. It goes no further than this server."),
      el("div", { class: "row" },
        el("button", { class: "main", onclick: () => choose({ accept: PICTURES, multiple: true }, take) }, "Choose"),
        matchMedia("(pointer: coarse)").matches
          ? el("button", { onclick: () => choose({ accept: "image/*", capture: "environment" }, take) }, "Take one") : null,
        el("button", { onclick: () => told(sample) }, "Try ours")));
  }

  async function sample() {
    const data = await ask("GET", "/page/sample.jpg");
    await take([new File([data], "astronaut.jpg", { type: "image/jpeg" })]);
  }

  async function take(files) {
    for (const file of files) {
      say(`${file.name}: sending`);
      const news = await told(() => send("/api/photos", file, (share) => say(`${file.name}: ${Math.round(100 * share)} %`)));
      if (!news) continue;
      say("");
      store.photos.push(news);
      show(news.id);
    }
  }

  async function forget(id) {
    await told(() => ask("DELETE", `/api/photos/${id}`));
    store.photos = store.photos.filter((one) => one.id !== id);
    show(store.photos.at(-1)?.id || null);
  }

  async function exported(ids) {
    const job = await told(() => ask("POST", "/api/exports", { photos: ids, look: requestedLook(), format: form.value }));
    if (job) jobs.add(job);
  }

  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "n") styles.step(1);
    if (event.key === "p") styles.step(-1);
    if (event.key === "o") picture.at(picture.style.getPropertyValue("--at") === "0%" ? 50 : 0);
  };
  addEventListener("keydown", onKey);
  show(photo() ? chosen : store.photos.at(-1)?.id || null);
  styles.reveal();
  if (store.brought) { const files = store.brought; store.brought = null; take(files); }
  return { take, leave: () => { removeEventListener("keydown", onKey); jobs.leave(); } };
}

const previewPx = () => Math.min(1600, Math.max(640, Math.round(innerWidth * Math.min(devicePixelRatio, 1.5) * 0.75)));
