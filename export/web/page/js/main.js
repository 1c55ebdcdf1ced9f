// The page: two places, the theme, dropped files; before all that the service worker.
import { cameraPlace } from "./camera.js";
import { choose, say, told } from "./dom.js";
import { arriving } from "./drop.js";
import { load } from "./means.js";
import { installable, offline } from "./offline.js";
import { photoOf, photoPlace } from "./photo.js";
import { addPainting, addStyle, readSite, removeStyle } from "./site.js";
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
  current = places[place](document.getElementById("place"), { bring: take, choosePainting: store.site.encoder && choosePainting, remove });
}

/** Photographs are shown; style files, and with `as` "style" paintings too, become styles. */
async function take(files, as) {
  if (!files.length || !store.styles) return;
  const styled = (file) => as === "style" || file.name.endsWith(".safetensors");
  const styles = files.filter(styled), photos = files.filter((file) => !styled(file));
  let news = 0;
  for (const file of styles) await told(async () => { await addOne(file); news += 1; });
  if (news) (current.renew || enter)(); // where one is, with the new style
  if (!photos.length) return;
  if (current?.take) { current.take(photos); return; }
  store.brought = photos;
  location.hash = "#photo";
}

async function addOne(file) {
  if (file.name.endsWith(".safetensors")) { say(await addStyle(file)); return; }
  say("Reading the painting");
  say(await addPainting(file));
}

function choosePainting() { choose({ accept: "image/*,.safetensors", multiple: true }, (files) => take(files, "style")); }

async function remove(style) {
  await told(() => removeStyle(style));
  (current.renew || enter)();
}

/** The photograph that is there before anybody brings one, painted when the site was made. */
async function sample() {
  const data = await (await fetch("sample.jpg")).blob();
  return photoOf(new File([data], "astronaut.jpg", { type: "image/jpeg" }), { painted: "painted.jpg",
    tiles: new Map(store.styles.filter((style) => !style.own).map((style) => [style.name, style.painting])) });
}

themed();
installable();
await offline();
await told(async () => {
  await readSite();
  load();
  store.ready.catch((error) => say(error.message, true));
  store.photos.push(await sample());
  document.querySelector("#drop [data-as=style]").hidden = !store.site.encoder;
  enter();
  arriving(take);
  addEventListener("hashchange", enter);
});
