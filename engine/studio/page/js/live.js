// Live: comes with the next step.
import { el } from "./dom.js";
export function livePlace(main) { main.replaceChildren(el("div", { class: "empty" })); return {}; }
