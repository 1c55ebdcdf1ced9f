// The page: two places, the theme, dropped files; before all that the service worker.
import { cameraPlace } from "./camera.js";
import { say, told } from "./dom.js";
import { arriving } from "./drop.js";
import { load } from "./means.js";
import { installable, offline } from "./offline.js";
import { photoOf, photoPlace } from "./photo.js";
import { readSite } from "./site.js";
import { store } from "./store.js";
import { themed } from "./theme.js";

const places = { photo: photoPlace, camera: cameraPlace };
let current = null;

function enter() {
  const name = location.hash.slice(1);
  const place = places[name] ? name : "photo";
  current?.leave();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${place}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${place[0].toUpperCase()}${place.slice(1)} – artrt`;
  current = places[place](document.getElementById("place"));
}

function take(files) {
  if (!files.length || !store.styles) return;
  if (current?.take) { current.take(files); return; }
  store.brought = files;
  location.hash = "#photo";
}

/** The photograph that is there before anybody brings one, painted when the site was made. */
async function sample() {
  const data = await (await fetch("sample.jpg")).blob();
  return photoOf(new File([data], "astronaut.jpg", { type: "image/jpeg" }), { painted: "painted.jpg",
    tiles: new Map(store.styles.map((style) => [style.name, style.painting])) });
}

themed();
installable();
await offline();
await told(async () => {
  await readSite();
  load();
  store.ready.catch((error) => say(error.message, true));
  store.photos.push(await sample());
  enter();
  arriving(take);
  addEventListener("hashchange", enter);
});
