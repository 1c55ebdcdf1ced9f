// The strip of styles and the controls: the same in Photo, Video and Live.
import { el } from "./dom.js";
import { maker, settle, store, styleOf } from "./store.js";

const WORDS = {
  strength: "Strength", stroke: "Brush size", keep_salient: "Keep the subject", keep_background: "Keep the background",
  preserve_colors: "Keep the colours",
  stabilize: "Steadiness", quantize: "Few colours", superpixels: "Mosaic",
};

const BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
// What stands above "More", in this order; a control that is new here comes below it.
const FIRST = ["strength", "stroke", "keep_salient", "preserve_colors"];

const words = (name) => WORDS[name] || (name[0].toUpperCase() + name.slice(1)).replaceAll("_", " ");
const shown = (slider, value) =>
  slider.kind === "amount" ? String(Math.round(value))
  : slider.minimum === 0 && slider.maximum === 1 ? `${Math.round(100 * value)} %`
  : Number(value).toFixed(slider.maximum - slider.minimum > 20 ? 0 : 2).replace(/\.?0+$/, "");

/** A slider with its name and value. */
export function slide({ name, minimum, maximum, step, value, text, onInput, id, help }) {
  const input = el("input", { type: "range", id: id || `control-${name}`, min: minimum, max: maximum, step, "data-name": name });
  const output = el("output", { for: input.id });
  const paint = () => {
    output.textContent = text(Number(input.value));
    input.style.setProperty("--share", `${(100 * (input.value - minimum)) / (maximum - minimum)}%`);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.value = value;
  paint();
  input.addEventListener("input", () => { paint(); onInput(Number(input.value)); });
  const control = el("div", { class: "control", title: help }, el("label", { for: input.id }, words(name)), output, input);
  control.set = (news) => { input.value = news; paint(); };
  control.input = input;
  return control;
}

/**
 * The strip: one tile for each style; arrows move in it. `tile(style)` gives the address of its picture, or null;
 * `onAdd` is called by a button before the tiles, for a painting of one's own.
 */
export function strip({ tile, onChange, onAdd }) {
  const list = el("div", { class: "tiles", role: "radiogroup", "aria-label": "Style" });
  const add = onAdd ? el("button", { class: "add", title: "Use a painting as a style", "aria-label": "Use a painting as a style", onclick: onAdd },
    el("span", { class: "plus" }), el("span", { class: "name title" }, "Your own")) : null;
  const whole = el("div", { class: "strip" }, add, list);
  const mark = () => {
    for (const button of list.children) {
      const on = button.dataset.name === store.look.style;
      button.setAttribute("aria-checked", on);
      button.tabIndex = on ? 0 : -1;
    }
  };
  const pick = (name, focus = false) => {
    store.look.style = name;
    mark();
    const button = list.querySelector('[aria-checked="true"]');
    if (focus) button.focus({ preventScroll: true });
    const motion = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    button?.scrollIntoView({ inline: "nearest", block: "nearest", behavior: motion });
    onChange();
  };
  const step = (by, focus) => {
    const names = store.styles.map((style) => style.name);
    pick(names[(names.indexOf(store.look.style) + by + names.length) % names.length], focus);
  };
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by) { event.preventDefault(); step(by, true); }
  });
  list.append(...store.styles.map((style) => el("button", {
    class: "style", role: "radio", "data-name": style.name, title: [style.title, maker(style)].filter(Boolean).join(", "),
    onclick: () => pick(style.name),
  }, el("img", { class: "tile", alt: "", src: tile(style) || BLANK, width: 220, height: 165 }), el("span", { class: "name title" }, style.title || style.name))));
  mark();
  /** Brings the chosen style into view; for when the strip has its place on the page. */
  whole.reveal = () => {
    const button = list.querySelector('[aria-checked="true"]');
    if (button) whole.scrollLeft = button.offsetLeft - whole.offsetLeft - (whole.clientWidth - button.offsetWidth) / 2;
  };
  whole.pick = pick;
  whole.step = step;
  /** Shows a picture in a tile. */
  whole.show = (name, address) => {
    const image = list.querySelector(`[data-name="${CSS.escape(name)}"] img`);
    if (image) image.src = address;
  };
  return whole;
}

/** What is chosen: title, painter, and every control there is. `onRemove(style)` lets a style that is one's own go. */
export function controls({ onChange, onRemove, moving = false }) {
  settle();
  const look = store.look;
  const label = el("div", { class: "label" });
  const numbers = store.sliders.filter((slider) => slider.kind === "number" && (moving || slider.name !== "stabilize"));
  const first = FIRST.flatMap((name) => numbers.filter((slider) => slider.name === name));
  const others = numbers.filter((slider) => !FIRST.includes(slider.name));
  const amounts = store.sliders.filter((slider) => slider.kind === "amount");
  const made = {};
  const number = (slider) => (made[slider.name] = slide({
    ...slider, step: (slider.maximum - slider.minimum) / 100, value: look.numbers[slider.name],
    text: (value) => shown(slider, value),
    onInput: (value) => { look.numbers[slider.name] = value; onChange(); },
  }));
  // The leftmost place is "off".
  const amount = (slider) => (made[slider.name] = slide({
      name: slider.name, minimum: 0, maximum: 100, step: 1, value: toPlace(slider, look.amounts[slider.name]),
      text: (place) => (place === 0 ? "off" : shown(slider, toAmount(slider, place))),
      onInput: (place) => {
        if (place === 0) delete look.amounts[slider.name];
        else look.amounts[slider.name] = toAmount(slider, place);
        onChange();
      },
    }));
  const chooser = (name, text, none, key) => {
    const select = el("select", { id: `choose-${name}`, onchange: () => { look[key] = select.value; onChange(); } },
      ...(none ? [el("option", { value: "" }, none)] : []),
      ...store.styles.map((style) => el("option", { value: style.name }, style.title || style.name)));
    select.value = look[key] || "";
    return el("div", { class: "control" }, el("label", { for: select.id }, text), select);
  };
  const share = slide({
    name: "blend", minimum: 0, maximum: 1, step: 0.01, value: look.share, text: (value) => `${Math.round(100 * value)} %`,
    onInput: (value) => { look.share = value; onChange(); },
  });
  share.querySelector("label").textContent = "Blend";
  const blend = [share, chooser("second", "Blend with", "", "second")];
  const body = el("div", { class: "controls" }, ...(moving ? blend : []), ...first.map(number));
  const more = el("details", { open: innerWidth > 768 && innerHeight > 760 }, el("summary", {}, "More"),
    el("div", { class: "controls" },
      ...(moving ? [] : blend),
      ...(numbers.some((slider) => slider.name === "keep_salient")
        ? [chooser("background", "Background", "As the subject", "background")] : []),
      ...others.map(number), ...amounts.map(amount)));
  more.hidden = !more.querySelector(".control");
  const panel = el("div", { class: "controls" }, label, body, more);
  panel.refresh = () => {
    const style = styleOf(look.style);
    label.replaceChildren(...(style
      ? [el("h1", { class: "title" }, style.title || style.name), el("small", {}, maker(style) || "Your own"),
        onRemove && style.own ? el("button", { onclick: () => onRemove(style) }, "Remove") : null].filter(Boolean)
      : [el("h1", { class: "title" }, "No style")]));
  };
  panel.made = { ...made, blend: share };
  /** Sets an effect's amount; undefined turns it off. */
  panel.place = (name, value) => {
    const slider = amounts.find((one) => one.name === name);
    made[name].set(toPlace(slider, value));
    made[name].input.dispatchEvent(new Event("input"));
  };
  panel.refresh();
  return panel;
}

// Amounts go by proportion: from 2 to 4 colours is as far as from 32 to 64.
const toAmount = (slider, place) =>
  Math.round(slider.minimum * (slider.maximum / slider.minimum) ** ((place - 1) / 99));
const toPlace = (slider, amount) =>
  amount === undefined ? 0 : Math.round(1 + (99 * Math.log(amount / slider.minimum)) / Math.log(slider.maximum / slider.minimum));

