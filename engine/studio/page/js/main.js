// The page: four places, the theme, dropped files.
import { ask, say, told } from "./dom.js";
import { arriving } from "./drop.js";
import { themed } from "./theme.js";
import { store } from "./store.js";
import { photoPlace } from "./photo.js";
import { videoPlace } from "./video.js";
import { livePlace } from "./live.js";
import { stylesPlace } from "./styles.js";

const places = { photo: photoPlace, video: videoPlace, live: livePlace, styles: stylesPlace };
let current = null;

function enter() {
  const name = location.hash.slice(1).split("/")[0];
  const place = places[name] ? name : "photo";
  if (current) current.leave?.();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${place}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const main = document.getElementById("place");
  main.replaceChildren();
  document.title = `${place[0].toUpperCase()}${place.slice(1)} – artrt studio`;
  current = places[place](main);
}

themed();
arriving(take);

/** Gives files to the place that wants them: a film goes to Video from wherever it was dropped. */
function take(files) {
  if (!files.length) return;
  const films = files.filter((file) => file.type.startsWith("video/"));
  if (films.length && location.hash !== "#video") { store.brought = films; location.hash = "#video"; return; }
  if (current?.take) { current.take(files); return; }
  store.brought = files;
  location.hash = "#photo";
}

addEventListener("hashchange", enter);
await told(async () => Object.assign(store, await ask("GET", "/api/studio")));
if (!store.styles) say("the studio does not answer", true);
else enter();
