// Between pictures of the browser, bytes of the model, and style files.

/** RGBA bytes of a canvas -> BGR bytes, as the model takes them. */
export function bgrOf(rgba) {
  const bgr = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    bgr[to] = rgba[from + 2];
    bgr[to + 1] = rgba[from + 1];
    bgr[to + 2] = rgba[from];
  }
  return bgr;
}

/** BGR bytes -> opaque RGBA bytes, into `rgba`. */
export function intoRgba(bgr, rgba) {
  for (let from = 0, to = 0; from < bgr.length; from += 3, to += 4) {
    rgba[to] = bgr[from + 2];
    rgba[to + 1] = bgr[from + 1];
    rgba[to + 2] = bgr[from];
    rgba[to + 3] = 255;
  }
}

/** A style file (safetensors with one tensor, `style`): its vector, Float32Array, and its facts. */
export function styleOf(buffer, name) {
  try {
    const length = Number(new DataView(buffer).getBigUint64(0, true));
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    const { dtype, data_offsets: [begin, end] } = head.style;
    if (dtype !== "F32") throw new Error(`its values are ${dtype}`);
    const vector = new Float32Array(buffer.slice(8 + length + begin, 8 + length + end));
    if (!vector.length || !vector.every(Number.isFinite)) throw new Error("it holds no numbers");
    return { ...head.__metadata__, name, vector };
  } catch (error) {
    throw new Error(`${name} is no style file: ${error.message}`);
  }
}

/** `share` of b, the rest of a. */
export function mixed(a, b, share) {
  if (share <= 0 || a === b) return a;
  if (share >= 1) return b;
  return a.map((value, index) => value + share * (b[index] - value));
}

/** A picture that has everything a proof needs, edges, waves and noise: BGR bytes. */
export function proofPicture(height, width) {
  return Uint8Array.from({ length: height * width * 3 }, (_, index) => {
    const x = Math.floor(index / 3) % width, y = Math.floor(index / 3 / width), channel = index % 3;
    const wave = Math.sin(x / (5 + channel)) * Math.cos(y / (9 - channel)) * 70;
    return Math.min(255, Math.max(0, 128 + wave + (x > width / 2 ? 40 : -40) + ((x * 7 + y * 13) % 17)));
  });
}

/** Likeness of two pictures in dB. */
export function psnr(a, b) {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] - b[index]) ** 2;
  return 10 * Math.log10((255 * 255 * a.length) / Math.max(sum, 1e-9));
}

/** RGBA pixels of a canvas, averaged over the area of each target pixel, as OpenCV's INTER_AREA does it -> BGR bytes. */
export function areaReduced({ data, width, height }, rows, columns) {
  const across = overlaps(width, columns);
  const sums = new Float32Array(columns * 3 * rows);
  for (const [row, y, weight] of overlaps(height, rows)) {
    for (const [column, x, share] of across) {
      const from = (y * width + x) * 4, to = (row * columns + column) * 3, part = weight * share;
      sums[to] += data[from + 2] * part;
      sums[to + 1] += data[from + 1] * part;
      sums[to + 2] += data[from] * part;
    }
  }
  return Uint8Array.from(sums, Math.round);
}

/** [target, source, share of the target] for all pixels that overlap when `from` pixels become `to`. */
function overlaps(from, to) {
  const size = from / to, found = [];
  for (let target = 0; target < to; target += 1) {
    const begin = target * size, end = Math.min(from, begin + size);
    for (let source = Math.floor(begin); source < end; source += 1) {
      const shared = Math.min(end, source + 1) - Math.max(begin, source);
      if (shared > 1e-6) found.push([target, source, shared / size]);
    }
  }
  return found;
}
