// onnxruntime-web and the site's networks: the painter at once, the two smaller ones when they are first used.
import { proofPicture, psnr } from "./tensors.js";

const PROOF = { height: 96, width: 128, leastDb: 30, slowest: 3 };
const PAINTER = "stylize";
let ort = null, networks = null;
let means = null; // what paints: { backend, threads, why }
const sessions = new Map(); // name -> promise of a session

/** Loads runtime and painter. `builds` are the runtimes of the site, `backend` may name one of them. */
export async function open({ networks: known, builds, backend, threads, style }, tell) {
  networks = known;
  const gpu = builds.webgpu && backend !== "wasm" && (await hasGpu(backend === "webgpu"));
  const build = gpu ? builds.webgpu : builds.wasm;
  const [bytes, wasm] = await fetched([networks[PAINTER], build.wasm], tell);
  ort = await import(build.script);
  ort.env.logLevel = "error";
  Object.assign(ort.env.wasm, { numThreads: threads, wasmPaths: { mjs: build.glue }, wasmBinary: wasm.buffer });
  sessions.set(PAINTER, opened(bytes, "wasm"));
  await sessions.get(PAINTER);
  const why = gpu ? await exchanged(bytes, style, backend === "webgpu") : "";
  means = { backend: gpu && !why ? "WebGPU" : "WebAssembly", threads, why };
  return means;
}

/** Paints a picture, { data: BGR bytes, height, width }; where WebGPU fails, WebAssembly goes on from there. */
export async function paint(picture, controls) {
  try {
    return await run(PAINTER, picture, controls);
  } catch (error) {
    if (means.backend !== "WebGPU") throw error;
    means = { ...means, backend: "WebAssembly", why: reason(error) };
    sessions.delete(PAINTER);
    return run(PAINTER, picture, controls);
  }
}

/** What paints now. */
export const current = () => means;

/** The mask of the subject: a tensor, [h, w], 0 to 1. */
export const maskOf = (picture, controls) => run("saliency", picture, controls);

/** The style of a painting, { data: BGR bytes, height, width }: Float32Array. */
export async function vectorOf({ data, height, width }) {
  const { style } = await (await session("encoder")).run({ painting: new ort.Tensor("uint8", data, [height, width, 3]) });
  return style.data;
}

async function run(name, picture, controls) { return infer(await session(name), networks[name].contract, picture, controls); }

function session(name) {
  if (!sessions.has(name)) {
    const opening = fetched([networks[name]], () => {}).then(([bytes]) => opened(bytes, "wasm"));
    opening.catch(() => sessions.delete(name)); // the next use tries again
    sessions.set(name, opening);
  }
  return sessions.get(name);
}

/** One inference. Controls that are not given have their defaults; the answer is a tensor. */
async function infer(model, { controls: known, output }, { data, height, width }, controls) {
  const feeds = { frame: new ort.Tensor("uint8", data, [height, width, 3]) };
  for (const [name, { shape, default: usual }] of Object.entries(known)) {
    const value = controls[name] ?? usual;
    const sizes = shape.map((size) => (typeof size === "number" ? size : 1));
    const numbers = () =>
      value instanceof Float32Array ? value : new Float32Array(sizes.reduce((a, b) => a * b, 1)).fill(value);
    feeds[name] = value instanceof ort.Tensor ? value : new ort.Tensor("float32", numbers(), sizes);
  }
  return (await model.run(feeds))[output];
}

/** Whether there is a GPU; one that is only imitated by the CPU counts when it was asked for. */
async function hasGpu(asked) {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && (asked || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
}

/** Takes a painter on the GPU in place of the one on the CPU once it paints the same, and not much slower; else says why. */
async function exchanged(bytes, style, asked) {
  let tried = null;
  try {
    const before = await sessions.get(PAINTER);
    tried = await opened(bytes, "webgpu");
    const [expected, got] = [await proof(before, style), await proof(tried, style)];
    const likeness = psnr(expected.painted, got.painted);
    if (!(likeness >= PROOF.leastDb)) throw new Error(`its picture differs (${likeness.toFixed(0)} dB)`);
    if (!asked && got.ms > PROOF.slowest * expected.ms) throw new Error("it is slower");
    await before.release();
    sessions.set(PAINTER, Promise.resolve(tried));
    return "";
  } catch (error) {
    await tried?.release().catch(() => {}); // a lost GPU cannot even release
    return reason(error);
  }
}

/** Paints the proof twice, as the first time shaders are made; the answer has the second time. */
async function proof(model, style) {
  const { height, width } = PROOF;
  const picture = { data: proofPicture(height, width), height, width };
  const { contract } = networks[PAINTER];
  await infer(model, contract, picture, { style });
  const began = performance.now();
  return { painted: (await infer(model, contract, picture, { style })).data, ms: performance.now() - began };
}

function opened(bytes, provider) {
  const extra = { session: { intra_op: { allow_spinning: "0" } } }; // threads that wait leave the processor to others
  return ort.InferenceSession.create(bytes, { executionProviders: [provider], logSeverityLevel: 3, extra });
}

const reason = (error) => error?.message || String(error);

/** Files as bytes; `tell` gets how much of all has come, 0 to 1. */
async function fetched(files, tell) {
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  let come = 0;
  return Promise.all(files.map(async ({ address, bytes: expected }) => {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address} is not there (${response.status})`);
    const bytes = new Uint8Array(expected);
    let at = 0;
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.length > expected) throw new Error(`${address} is not the file of this site`);
      bytes.set(value, at);
      at += value.length;
      come += value.length;
      tell(come / total);
    }
    if (at < expected) throw new Error(`${address} came only in part`);
    return bytes;
  }));
}
