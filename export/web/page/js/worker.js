// Paints off the page's thread: onnxruntime-web and the site's model. One task after the other.
import { bgrOf, intoRgba, proofPicture, psnr } from "./tensors.js";

const PROOF = { height: 96, width: 128, leastDb: 30, slowest: 3 };
const TASKS = { start, paint };
let ort = null, session = null, contract = null, pen = null;
let last = Promise.resolve();

self.onmessage = ({ data: { id, task, wish } }) => {
  last = last.then(async () => {
    try {
      const { answer, transfer = [] } = await TASKS[task](wish, (news) => postMessage({ id, news }));
      postMessage({ id, answer }, transfer);
    } catch (error) {
      postMessage({ id, error: error?.message || String(error) });
    }
  });
};

/** Loads the runtime and the model. `builds` are the runtimes of the site, `backend` may name one of them. */
async function start({ model, builds, backend, threads, style, contract: said }, tell) {
  contract = said;
  const gpu = builds.webgpu && backend !== "wasm" && (await hasGpu(backend === "webgpu"));
  const build = gpu ? builds.webgpu : builds.wasm;
  const [bytes, wasm] = await fetched([model, build.wasm], tell);
  ort = await import(build.script);
  ort.env.logLevel = "error";
  Object.assign(ort.env.wasm, { numThreads: threads, wasmPaths: { mjs: build.glue }, wasmBinary: wasm.buffer });
  session = await opened(bytes, "wasm");
  const why = gpu ? await exchanged(bytes, style, backend === "webgpu") : "";
  return { answer: { backend: gpu && !why ? "WebGPU" : "WebAssembly", threads, why } };
}

/** Whether there is a GPU; one that is only imitated by the CPU counts when it was asked for. */
async function hasGpu(asked) {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && (asked || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
}

/** Takes a session on the GPU in place of the one on the CPU once it paints the same, and not much slower; else says why. */
async function exchanged(bytes, style, asked) {
  let tried = null;
  try {
    tried = await opened(bytes, "webgpu");
    const [expected, got] = [await proof(session, style), await proof(tried, style)];
    const likeness = psnr(expected.painted, got.painted);
    if (!(likeness >= PROOF.leastDb)) throw new Error(`it paints otherwise (${likeness.toFixed(0)} dB)`);
    if (!asked && got.ms > PROOF.slowest * expected.ms) throw new Error("it is slower");
    await session.release();
    session = tried;
    return "";
  } catch (error) {
    await tried?.release();
    return error?.message || String(error);
  }
}

/** Paints the proof twice, as the first time shaders are made; the answer has the second time. */
async function proof(model, style) {
  const { height, width } = PROOF;
  const picture = proofPicture(height, width);
  await run(model, picture, height, width, { style });
  const began = performance.now();
  return { painted: await run(model, picture, height, width, { style }), ms: performance.now() - began };
}

function opened(bytes, provider) {
  const extra = { session: { intra_op: { allow_spinning: "0" } } }; // threads that wait leave the processor to others
  return ort.InferenceSession.create(bytes, { executionProviders: [provider], logSeverityLevel: 3, extra });
}

/** Paints a bitmap at `width` x `height`; the answer is a bitmap, or an encoded Blob when `type` is given. */
async function paint({ bitmap, width, height, mirror, controls, type, quality }) {
  const began = performance.now();
  if (pen?.canvas.width !== width || pen?.canvas.height !== height) {
    pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  }
  pen.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "#fff"; // behind what is transparent
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const pixels = pen.getImageData(0, 0, width, height);
  intoRgba(await run(session, bgrOf(pixels.data), height, width, controls), pixels.data);
  pen.putImageData(pixels, 0, 0);
  const picture = type ? await pen.canvas.convertToBlob({ type, quality }) : pen.canvas.transferToImageBitmap();
  return { answer: { picture, ms: performance.now() - began }, transfer: type ? [] : [picture] };
}

/** One inference: BGR bytes to BGR bytes. Controls that are not given have their defaults. */
async function run(model, bgr, height, width, controls) {
  const feeds = { frame: new ort.Tensor("uint8", bgr, [height, width, 3]) };
  for (const [name, { shape, default: usual }] of Object.entries(contract.controls)) {
    const sizes = shape.map((size) => (typeof size === "number" ? size : 1));
    const value = controls[name] ?? usual;
    const data = value instanceof Float32Array ? value : new Float32Array(sizes.reduce((a, b) => a * b, 1)).fill(value);
    feeds[name] = new ort.Tensor("float32", data, sizes);
  }
  return (await model.run(feeds))[contract.output].data;
}

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
