// What the site's folder holds: the model, its styles, the runtimes.
import { settle, store, styleOf as named } from "./store.js";
import { mixed, styleOf } from "./tensors.js";

const CONTROLS = ["strength", "stroke", "preserve_colors"];
const BUILDS = {
  wasm: ["ort/ort.wasm.min.js", "ort/ort-wasm-simd-threaded.js", "ort/ort-wasm-simd-threaded.wasm"],
  webgpu: ["ort/ort.webgpu.min.js", "ort/ort-wasm-simd-threaded.asyncify.js", "ort/ort-wasm-simd-threaded.asyncify.wasm"],
};

/** Fills the store. */
export async function readSite() {
  const manifest = await (await got("manifest.json")).json();
  const [{ file, contract }] = manifest.stages;
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
  store.sliders = CONTROLS.filter((name) => name in contract.controls)
    .map((name) => ({ name, kind: "number", ...contract.controls[name] }));
  settle();
  store.site = { model: at(file), builds, contract, trunk: contract.extra.trunk, opening: named(store.look.style).vector };
}

/** Adds a style from a file of `artrt train style`, `artrt styles add` or the studio. */
export async function addStyle(file) {
  const style = styleOf(await file.arrayBuffer(), file.name.replace(/\.safetensors$/, ""));
  if (style.trunk !== store.site.trunk || style.vector.length !== store.site.opening.length) {
    throw new Error(`${file.name} belongs to another network`);
  }
  const name = `own ${style.name}`;
  store.styles = [{ id: name, painting: null, ...style, name }, ...store.styles.filter((one) => one.name !== name)];
  store.look.style = name;
}

/** The vector of what is chosen: a style, or two of them blended. */
export function chosenVector() {
  const { style, second, share } = store.look;
  const first = named(style).vector;
  return second && share > 0 ? mixed(first, named(second).vector, share) : first;
}

/** The controls of the model as the sliders stand. */
export function chosenControls() { return { ...store.look.numbers, style: chosenVector() }; }

async function got(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name} is not there (${response.status}): export the site again`);
  return response;
}
