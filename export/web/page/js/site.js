// What the site's folder holds: networks, styles, runtimes; and one's own styles beside them.
import { forgetStyle, keepStyle, keptStyles } from "./own.js";
import { settle, store, styleOf as named } from "./store.js";
import { mixed, styleOf } from "./tensors.js";

const CONTROLS = ["strength", "stroke", "preserve_colors"];
const REGIONS = ["keep_salient", "keep_background"]; // need the saliency network
const SHARE = { default: 0, minimum: 0, maximum: 1 };
const BUILDS = {
  wasm: ["ort/ort.wasm.min.js", "ort/ort-wasm-simd-threaded.js", "ort/ort-wasm-simd-threaded.wasm"],
  webgpu: ["ort/ort.webgpu.min.js", "ort/ort-wasm-simd-threaded.asyncify.js", "ort/ort-wasm-simd-threaded.asyncify.wasm"],
};

/** Fills the store. */
export async function readSite() {
  const manifest = await (await got("manifest.json")).json();
  const at = (name) => ({ address: new URL(name, document.baseURI).href, bytes: manifest.files[name].bytes });
  const builds = {};
  for (const [name, files] of Object.entries(BUILDS)) {
    if (!files.every((one) => one in manifest.files)) continue;
    const [script, glue, wasm] = files.map(at);
    builds[name] = { script: script.address, glue: glue.address, wasm };
  }
  store.styles = await Promise.all(manifest.styles.map(async (name) => {
    const style = styleOf(await (await got(`styles/${encodeURIComponent(name)}.safetensors`)).arrayBuffer(), name);
    return { id: "", painting: `tiles/${encodeURIComponent(name)}.jpg`, ...style };
  }));
  const networks = Object.fromEntries(manifest.stages.map(({ name, file, contract }) => [name, { ...at(file), contract }]));
  const { controls, extra } = networks.stylize.contract;
  const { encoder } = manifest;
  if (encoder) networks.encoder = at(encoder.file);
  store.sliders = [...CONTROLS, ...(networks.saliency ? REGIONS : [])]
    .filter((name) => name in controls || REGIONS.includes(name))
    .map((name) => ({ name, kind: "number", ...SHARE, ...controls[name] }));
  const known = store.styles[0].vector.length;
  const kept = (await keptStyles()).filter((style) => style.trunk === extra.trunk && style.vector.length === known);
  store.styles = [...kept.map(shown), ...store.styles];
  settle();
  store.site = { networks, builds, trunk: extra.trunk, opening: named(store.look.style).vector,
    encoder: encoder && { side: encoder.long_side_px } };
}

/** Fetches what is not used yet, so that the service worker keeps it for use without a network. */
export async function fetchRest() {
  if (!navigator.serviceWorker?.controller || navigator.connection?.saveData) return;
  const { stylize, ...rest } = store.site.networks;
  await Promise.all(Object.values(rest).map(({ address }) => fetch(address, { priority: "low" })));
}

/** Adds a style from a file of `artrt train style`, `artrt styles add` or the studio. */
export async function addStyle(file) {
  const style = styleOf(await file.arrayBuffer(), file.name.replace(/\.safetensors$/, ""));
  if (style.trunk !== store.site.trunk || style.vector.length !== store.site.opening.length) {
    throw new Error(`${file.name} belongs to another network`);
  }
  return add({ ...style, painting: null });
}

/** Makes a painting a style. */
export async function addPainting(file) {
  if (!store.site.encoder) throw new Error("This page cannot make a painting a style");
  const bitmap = await createImageBitmap(file).catch(() => { throw new Error(`${file.name}: this browser cannot read it as a picture`); });
  await store.ready;
  return add({ name: file.name.replace(/\.\w+$/, ""), vector: await store.painter.read(bitmap), trunk: store.site.trunk, painting: file });
}

/** Puts one's own style before the others, chooses it, and keeps it for the next visit; says so where that fails. */
async function add(style) {
  const news = shown(style);
  store.styles = [news, ...store.styles.filter((one) => one.name !== news.name)];
  store.look.style = news.name;
  return keepStyle(style).then(() => "", () => "This browser keeps nothing of this page: the style is gone with a reload");
}

/** One's own style as the tiles show it. */
function shown(style) {
  const name = `own ${style.name}`;
  const painting = style.painting && URL.createObjectURL(style.painting);
  return { ...style, title: style.title || style.name, id: name, name, painting, own: style.name };
}

/** Removes one's own style, here and for the next visit. */
export async function removeStyle(style) {
  store.styles = store.styles.filter((one) => one !== style);
  settle();
  await forgetStyle(style.own);
}

/** The vector of what is chosen: a style, or two of them blended. */
export function chosenVector() {
  const { style, second, share } = store.look;
  const first = named(style).vector;
  return second && share > 0 ? mixed(first, named(second).vector, share) : first;
}

/** The controls as the sliders stand; see regions.js. */
export function chosenControls() {
  const { numbers, background } = store.look;
  return { ...numbers, style: chosenVector(), background: named(background)?.vector };
}

async function got(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name} is not there (${response.status}): export the site again`);
  return response;
}
