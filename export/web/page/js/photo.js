// Photo: choose one, see it painted, keep it. Nothing leaves the device.
import { compare } from "./compare.js";
import { choose, el, newestOnly, save, say, told } from "./dom.js";
import { controls, strip } from "./look.js";
import { meansLine } from "./means.js";
import { Painter } from "./painter.js";
import { chosenControls } from "./site.js";
import { settle, store, styleOf } from "./store.js";

const PICTURES = "image/*,.safetensors";
const TILE = { width: 320, height: 240 };
const SMALL_PX = 2e6; // painted for saving by the painter that is there
const SAVED_PX = [16e6, 8e6, 3e6]; // tried in turn: a browser has less memory than a computer
const QUALITY = { "image/jpeg": 0.92, "image/webp": 0.9 };
let chosen = null;

/** `bring(files)` takes photographs and style files for the whole page, `choosePainting` lets one choose a painting, `remove` one's own style go. */
export function photoPlace(main, { bring, choosePainting, remove }) {
  settle();
  const picture = compare("The painted photograph");
  const shelf = el("div", { class: "shelf", "aria-label": "Photographs" });
  const canvas = el("div", { class: "canvas" }, picture);
  const styles = strip({ tile: (style) => tileOf(style) || style.painting, onChange: changed, onAdd: choosePainting });
  const panel = controls({ onChange: changed, onRemove: remove });
  const means = meansLine();
  const form = el("select", { "aria-label": "Format" },
    ...["JPEG", "PNG", "WebP"].map((name) => el("option", { value: `image/${name.toLowerCase()}` }, name)));
  const download = el("button", { class: "main grow", onclick: () => told(kept) }, "Save full size");
  main.replaceChildren(el("div", { class: "room" },
    el("section", { class: "stage", "aria-label": "Photograph" }, shelf, canvas), styles,
    el("aside", { class: "panel", "aria-label": "Look" }, panel,
      el("footer", {}, means, el("div", { class: "row" }, download, form)))));

  function tileOf(style) { return chosen?.tiles.get(style.name); }

  const paint = newestOnly(async () => {
    const shown = chosen;
    picture.busy(true);
    await told(async () => {
      await store.ready;
      const { width, height } = shown.preview;
      const bitmap = await createImageBitmap(shown.preview);
      const painted = await store.painter.paint({ bitmap, width, height, controls: chosenControls(), type: "image/jpeg", quality: 0.93 });
      if (shown !== chosen) return;
      exchange(painted.picture);
      tiles();
    });
    picture.busy(false);
  });

  function exchange(blob) {
    const before = chosen.painted;
    chosen.painted = URL.createObjectURL(blob);
    picture.show({ painted: chosen.painted });
    if (before?.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(before), 1000);
  }

  /** Paints a tile of this photograph for every style, while nothing else is to do. */
  const tiles = newestOnly(async () => {
    const shown = chosen;
    for (const style of [...store.styles]) {
      if (shown !== chosen || gone) return;
      if (shown.tiles.has(style.name)) continue;
      const { width, height } = shown.small;
      const bitmap = await createImageBitmap(shown.small);
      const painted = await store.painter.paint({ bitmap, width, height, controls: { style: style.vector }, type: "image/jpeg", quality: 0.85 });
      shown.tiles.set(style.name, URL.createObjectURL(painted.picture));
      if (shown === chosen) styles.show(style.name, shown.tiles.get(style.name));
    }
  });

  function changed() { panel.refresh(); paint(); }

  function show(photo) {
    chosen = photo;
    shelf.replaceChildren(...[
      el("button", { class: "main", onclick: () => choose({ accept: PICTURES, multiple: true }, bring) }, "Choose a photograph"),
      matchMedia("(pointer: coarse)").matches
        ? el("button", { onclick: () => choose({ accept: "image/*", capture: "environment" }, bring) }, "Take one") : null,
      ...(store.photos.length > 1 ? store.photos.map(thumb) : []),
    ].filter(Boolean));
    picture.show({ original: photo.original, painted: photo.painted || photo.original, ratio: photo.width / photo.height });
    for (const style of store.styles) styles.show(style.name, tileOf(style) || style.painting || photo.original);
    picture.at(photo.painted === "painted.jpg" ? 33 : 0); // the first picture shows what the page does
    paint();
  }

  function thumb(one) {
    return el("button", { class: "thumb", "aria-current": one === chosen ? "true" : null, "aria-label": one.title, title: one.title,
      onclick: () => show(one) }, el("img", { src: one.original, alt: "" }));
  }

  /** Shows photographs. */
  async function take(files) {
    for (const file of files) {
      const photo = await told(() => photoOf(file));
      if (!photo) continue;
      store.photos.push(photo);
      show(photo);
    }
  }

  async function kept() {
    const photo = chosen, type = form.value;
    picture.busy(true);
    download.disabled = true;
    try {
      await store.ready;
      const { picture: blob, width, height } = await fullSize(photo, type);
      save(blob, `${photo.title.replace(/\.\w+$/, "")}-painted.${blob.type.split("/")[1].replace("jpeg", "jpg")}`);
      say(width < photo.width ? `Saved at ${width} × ${height}: this browser has no memory for more` : `Saved at ${width} × ${height}`);
    } finally {
      picture.busy(false);
      download.disabled = false;
    }
  }

  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "n") styles.step(1);
    if (event.key === "p") styles.step(-1);
    if (event.key === "o") picture.at(picture.style.getPropertyValue("--at") === "0%" ? 50 : 0);
  };
  addEventListener("keydown", onKey);
  let gone = false;
  show(chosen || store.photos.at(-1));
  styles.reveal();
  if (store.brought) { const files = store.brought; store.brought = null; take(files); }
  return { take, leave: () => { gone = true; means.leave(); removeEventListener("keydown", onKey); } };
}

/** A file as a photograph: what is painted while one looks, and what tiles are painted from. */
export async function photoOf(file, facts = {}) {
  const whole = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name}: this browser cannot read it as a picture`);
  });
  const { width, height } = whole;
  const original = URL.createObjectURL(file);
  const scale = Math.min(1, previewPx() / Math.max(width, height));
  const preview = await resized(whole, [0, 0, width, height], Math.round(width * scale), Math.round(height * scale));
  const cut = Math.min(width / TILE.width, height / TILE.height);
  const [wide, high] = [Math.max(1, Math.round(TILE.width * cut)), Math.max(1, Math.round(TILE.height * cut))];
  const box = [Math.floor((width - wide) / 2), Math.floor((height - high) * 0.3), wide, high];
  const small = await resized(whole, box, TILE.width, TILE.height);
  whole.close();
  return { title: file.name, file, width, height, original, preview, small, tiles: new Map(), ...facts };
}

function resized(bitmap, box, width, height) {
  return createImageBitmap(bitmap, ...box, { resizeWidth: Math.max(1, width), resizeHeight: Math.max(1, height), resizeQuality: "high" });
}

/** Paints the photograph itself. A large one gets a painter of its own, whose memory is free again afterwards. */
async function fullSize(photo, type) {
  let failure = null;
  for (const most of SAVED_PX) {
    const scale = Math.min(1, Math.sqrt(most / (photo.width * photo.height)));
    const width = Math.max(1, Math.floor(photo.width * scale)), height = Math.max(1, Math.floor(photo.height * scale));
    const own = width * height > SMALL_PX ? new Painter() : null;
    try {
      await own?.start();
      const bitmap = await createImageBitmap(photo.file);
      const painted = await (own || store.painter).paint({ bitmap, width, height, controls: chosenControls(), type, quality: QUALITY[type] });
      return { ...painted, width, height };
    } catch (error) {
      failure = error;
    } finally {
      own?.close();
    }
  }
  throw failure;
}

const previewPx = () => Math.min(1280, Math.max(640, Math.round(innerWidth * Math.min(devicePixelRatio, 1.5) * 0.75)));
