// A picture that can be compared with what it was: the edge is a slider, so the keyboard moves it too.
import { el } from "./dom.js";

/** `show(after, before)` sets the pictures; `at` from 0 (all painted) to 100 (all as it was). */
export function compare(alt) {
  const after = el("img", { alt, class: "after" });
  const before = el("img", { alt: "", class: "before" });
  const edge = el("input", { type: "range", min: 0, max: 100, step: 0.5, value: 0, "aria-label": "Compare with the original" });
  const figure = el("div", { class: "picture compare" }, after, before, edge, el("span", { class: "edge" }));
  const move = () => {
    figure.style.setProperty("--at", `${edge.value}%`);
    edge.setAttribute("aria-valuetext", `${Math.round(edge.value)} % original`);
  };
  edge.addEventListener("input", move);
  edge.addEventListener("dblclick", () => { edge.value = edge.value > 0 ? 0 : 50; move(); });
  figure.show = ({ painted, original, ratio }) => {
    if (ratio) figure.style.setProperty("--ratio", ratio);
    if (original !== undefined) before.src = original;
    if (painted !== undefined) after.src = painted;
  };
  figure.busy = (on) => figure.classList.toggle("busy", on);
  figure.at = (value) => { edge.value = value; move(); };
  move();
  return figure;
}
