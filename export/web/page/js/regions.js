// Subject and background apart, as engine/stages/backdrop.py paints them.
import { maskOf, paint } from "./runtime.js";

/** Paints a picture, { data: BGR bytes, height, width }; the answer is BGR bytes. `background` is a style's vector. */
export async function painted(picture, { background, keep_background: kept = 0, ...controls }) {
  const apart = Boolean(background) || kept > 0;
  if (!apart && !(controls.keep_salient > 0)) return (await paint(picture, controls)).data;
  // For `keep_salient` alone, the mask also covers what a classifier would look at, far beyond the subject.
  const mask = await maskOf(picture, apart ? { attention: 0 } : {});
  const subject = (await paint(picture, { ...controls, mask })).data;
  if (!apart) return subject;
  const second = background && kept < 1 ? (await paint(picture, { ...controls, mask, style: background })).data : subject;
  return blended({ ...picture, subject, second, kept, mask });
}

/** `subject` where the mask is 1; where it is 0, `second` with the share `kept` of the photograph. */
function blended({ data: photo, height, width, subject, second, kept, mask }) {
  const [rows, columns] = mask.dims;
  const result = new Uint8Array(photo.length);
  const across = places(columns, width), down = places(rows, height);
  for (let y = 0, at = 0; y < height; y += 1) {
    const { low: top, high: bottom, share: below } = down[y];
    for (let x = 0; x < width; x += 1) {
      const { low, high, share } = across[x];
      const above = mask.data[top * columns + low] * (1 - share) + mask.data[top * columns + high] * share;
      const under = mask.data[bottom * columns + low] * (1 - share) + mask.data[bottom * columns + high] * share;
      const weight = above * (1 - below) + under * below;
      for (const end = at + 3; at < end; at += 1) {
        const behind = photo[at] * kept + second[at] * (1 - kept);
        result[at] = subject[at] * weight + behind * (1 - weight) + 0.5;
      }
    }
  }
  return result;
}

/** Where each of `length` pixels lies between two of `count` values: linear interpolation. */
function places(count, length) {
  return Array.from({ length }, (_, index) => {
    const place = Math.min(count - 1, Math.max(0, ((index + 0.5) * count) / length - 0.5));
    const low = Math.floor(place);
    return { low, high: Math.min(count - 1, low + 1), share: place - low };
  });
}
