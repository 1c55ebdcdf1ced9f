// Paintings and style files of one's own: the server makes each a style.
import { ask, choose, say, send, told } from "./dom.js";
import { settle, store } from "./store.js";

/** Sends pictures of paintings, and style files; the last one is chosen. */
export async function bringPaintings(files) {
  for (const file of files) {
    const address = file.name.endsWith(".safetensors") ? "/api/styles/file" : "/api/styles/painting";
    say("Reading the painting");
    await told(async () => { store.look.style = (await send(address, file)).name; say(""); });
  }
  await told(renewStyles);
}

/** Lets the user choose some; `onDone` is called when they are styles: by default, the place is shown again. */
export function choosePaintings(onDone = () => dispatchEvent(new Event("hashchange"))) {
  choose({ accept: "image/*,.safetensors", multiple: true }, async (files) => { await bringPaintings(files); onDone(); });
}

/** Asks the server for the styles. */
export async function renewStyles() {
  store.styles = (await ask("GET", "/api/studio")).styles;
  settle();
}
