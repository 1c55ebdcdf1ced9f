// Paints off the page's thread. One task after the other.
import { painted } from "./regions.js";
import { current, open, vectorOf } from "./runtime.js";
import { areaReduced, bgrOf, intoRgba } from "./tensors.js";

const TASKS = { start, paint, read };
const LEAST_PX = 64; // the smallest painting, as in the engine
const MOST_PX = 4096; // a larger one is reduced by the browser first, to save memory
let pen = null;
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

/** Loads runtime and model; see runtime.js. */
async function start(wish, tell) { return { answer: await open(wish, tell) }; }

/** Paints a bitmap at `width` x `height`; the answer is a bitmap, or an encoded Blob when `type` is given. */
async function paint({ bitmap, width, height, mirror, controls, type, quality }) {
  const began = performance.now();
  const pixels = drawn(bitmap, width, height, mirror);
  intoRgba(await painted({ data: bgrOf(pixels.data), height, width }, controls), pixels.data);
  pen.putImageData(pixels, 0, 0);
  const picture = type ? await pen.canvas.convertToBlob({ type, quality }) : pen.canvas.transferToImageBitmap();
  return { answer: { picture, ms: performance.now() - began, means: current() }, transfer: type ? [] : [picture] };
}

/** The style of a painting: its vector. The size at which it is seen sets the size of the strokes. */
async function read({ bitmap, side }) {
  const { width, height } = bitmap;
  if (Math.min(width, height) < LEAST_PX) throw new Error(`The painting is ${width} × ${height}: ${LEAST_PX} pixels are the least`);
  const fitted = Math.min(1, MOST_PX / Math.max(width, height));
  const pixels = drawn(bitmap, Math.round(width * fitted), Math.round(height * fitted));
  const scale = Math.max(Math.min(1, side / Math.max(width, height)), LEAST_PX / Math.min(width, height));
  const [rows, columns] = [height, width].map((length) => Math.round(length * scale));
  pen = null; // its canvas may be large
  return { answer: await vectorOf({ data: areaReduced(pixels, rows, columns), height: rows, width: columns }) };
}

/** Draws a bitmap, which is closed, on white; its pixels are RGBA bytes. */
function drawn(bitmap, width, height, mirror = false) {
  if (pen?.canvas.width !== width || pen?.canvas.height !== height) {
    pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  }
  pen.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "#fff"; // behind what is transparent
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return pen.getImageData(0, 0, width, height);
}
