// What the page knows: the server's answer at the start, and the look that all places share.
export const store = {
  styles: null, sliders: [], photos: [], videos: [], jobs: [], cameras: [], limits: {},
  brought: null, // files for the place that is entered next
  tiles: new Map(), // "photo/style" -> address of its small picture
  look: { style: null, second: null, share: 0, background: "", numbers: {}, amounts: {} },
};

/** The look as the server takes it. */
export function requestedLook() {
  const { style, second, share, background, numbers, amounts } = store.look;
  let text = style || "";
  if (style && second && second !== style && share > 0) {
    text = share >= 1 ? second : `${style}:${(1 - share).toFixed(3)}+${second}:${share.toFixed(3)}`;
  }
  return { style: text, background, numbers, amounts };
}

export const styleOf = (name) => store.styles.find((style) => style.name === name);

/** Sees to it that the chosen styles exist. */
export function settle() {
  const look = store.look;
  const known = new Set(store.styles.map((style) => style.name));
  if (look.style !== "" && !known.has(look.style)) look.style = preferred();
  if (!known.has(look.second)) look.second = store.styles.find((style) => style.name !== look.style)?.name || null;
  if (!known.has(look.background)) look.background = "";
  for (const slider of store.sliders) {
    if (slider.kind === "number") look.numbers[slider.name] ??= slider.default;
  }
}

function preferred() {
  return (styleOf("starry-night") || store.styles[0])?.name || "";
}

/** Who painted it and when. */
export function maker(style) {
  return [style.artist, style.year].filter(Boolean).join(", ");
}
