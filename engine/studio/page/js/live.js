// Live: one's own camera or one of the server's, painted while one looks.
import { el, save, say, told } from "./dom.js";
import { controls, strip } from "./look.js";
import { choosePaintings } from "./paintings.js";
import { liveSocket } from "./socket.js";
import { requestedLook, settle, store } from "./store.js";

const SIZES = [240, 360, 480, 720];
let source = null; // "own", or the number of a camera of the server

export function livePlace(main) {
  settle();
  const output = el("canvas", { "aria-label": "The painted camera", role: "img" });
  const picture = el("div", { class: "picture" }, output);
  const canvas = el("div", { class: "canvas" });
  const shelf = el("div", { class: "shelf" });
  let [styles, panel] = look();
  const rate = el("output", { class: "soft", "aria-label": "Frames per second" });
  const size = el("select", { "aria-label": "Size", onchange: changed }, ...SIZES.map((px) => el("option", { value: px }, `${px}p`)));
  size.value = "360";
  const pause = el("button", { "aria-pressed": "false", onclick: pauseOrGo }, "Pause");
  const shoot = el("button", { onclick: snapshot }, "Snapshot");
  const record = el("button", { class: "alarm", "aria-pressed": "false", onclick: recordOrStop }, "Record");
  const full = el("button", { onclick: fullScreen }, "Full screen");
  const footer = el("footer", {}, el("div", { class: "row" }, rate, el("span", { class: "grow" }), size),
    el("div", { class: "pairs" }, pause, shoot, record, full));
  main.replaceChildren(el("div", { class: "room" }, el("section", { class: "stage", "aria-label": "Live picture" }, shelf, canvas), styles,
    el("aside", { class: "panel", "aria-label": "Look" }, panel, footer)));

  let socket = null, stream = null, film = null, recorder = null, paused = false, split = false, times = [], gone = false;
  const grab = document.createElement("canvas");

  function look() {
    const onAdd = () => choosePaintings(renew);
    return [strip({ tile: (style) => style.painting, onChange: changed, onAdd }), controls({ onChange: changed, moving: true })];
  }

  /** Shows the styles again, when there is a new one; the camera goes on. */
  function renew() {
    const [before, news] = [[styles, panel], look()];
    before.forEach((one, index) => one.replaceWith(news[index]));
    [styles, panel] = news;
    styles.reveal();
    changed();
  }

  function changed() { panel.refresh(); socket?.change({ look: requestedLook(), short_side_px: Number(size.value), split }); }

  function chooser() {
    const names = [["own", "Your camera"], ...store.cameras.map((name, number) => [String(number), name])];
    shelf.replaceChildren(...names.map(([key, name]) =>
      el("button", { class: "quiet", "aria-pressed": String(source === key), onclick: () => told(() => start(key)) }, name)));
  }

  async function start(key) {
    stop();
    source = key;
    chooser();
    if (key === "own") await openOwn();
    if (gone) { stop(); return; }
    canvas.replaceChildren(picture);
    picture.classList.add("busy"); // until the first picture
    socket = liveSocket({
      source: key, frame: key === "own" ? ownFrame : null, onPicture: show, onError: (error) => say(error.message, true),
      onEnd: () => say("the live picture ended", true),
    });
    changed();
  }

  async function openOwn() {
    if (!navigator.mediaDevices) throw new Error("A browser gives its camera only to https pages, or on this machine");
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 720 } }, audio: false });
    film = el("video", { muted: true, playsinline: true });
    film.srcObject = stream;
    await film.play();
  }

  async function ownFrame() {
    if (!film?.videoWidth || paused) return null;
    const scale = Math.min(1, Number(size.value) / Math.min(film.videoWidth, film.videoHeight));
    grab.width = Math.round(film.videoWidth * scale);
    grab.height = Math.round(film.videoHeight * scale);
    const pen = grab.getContext("2d");
    pen.setTransform(-1, 0, 0, 1, grab.width, 0); // as in a mirror
    pen.drawImage(film, 0, 0, grab.width, grab.height);
    return new Promise((done) => grab.toBlob(done, "image/jpeg", 0.85));
  }

  async function show(blob) {
    if (paused) return;
    const bitmap = await createImageBitmap(blob);
    if (output.width !== bitmap.width || output.height !== bitmap.height) {
      output.width = bitmap.width;
      output.height = bitmap.height;
      picture.style.setProperty("--ratio", bitmap.width / bitmap.height);
    }
    picture.classList.remove("busy");
    output.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    const now = performance.now();
    times = [...times.filter((time) => now - time < 2000), now];
    if (times.length > 2) rate.textContent = `${((times.length - 1) / (now - times[0]) * 1000).toFixed(0)} pictures a second`;
  }

  function pauseOrGo() { paused = !paused; pause.setAttribute("aria-pressed", paused); }

  function snapshot() { output.toBlob((blob) => blob && save(blob, `artrt-${stamp()}.png`), "image/png"); }

  function recordOrStop() {
    if (recorder) { recorder.stop(); return; }
    const parts = [];
    recorder = new MediaRecorder(output.captureStream(), { mimeType: "video/webm", videoBitsPerSecond: 8e6 });
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      recorder = null;
      record.setAttribute("aria-pressed", "false");
      save(new Blob(parts, { type: "video/webm" }), `artrt-${stamp()}.webm`);
    };
    recorder.start();
    record.setAttribute("aria-pressed", "true");
  }

  function fullScreen() { document.fullscreenElement ? document.exitFullscreen() : told(() => picture.requestFullscreen()); }

  function stop() {
    recorder?.stop();
    socket?.close();
    stream?.getTracks().forEach((track) => track.stop());
    socket = stream = film = null;
  }

  function nudge(name, by) {
    const slider = panel.made[name];
    if (!slider) return;
    slider.set(Math.min(1, Math.max(0, Number(slider.input.value) + by)));
    slider.input.dispatchEvent(new Event("input"));
  }

  // The keys of the window of `artrt live`.
  const keys = {
    n: () => styles.step(1), p: () => styles.step(-1), " ": pauseOrGo, s: snapshot, r: recordOrStop, f: fullScreen,
    "+": () => nudge("strength", 0.1), "-": () => nudge("strength", -0.1),
    k: () => nudge("keep_salient", store.look.numbers.keep_salient > 0 ? -1 : 1),
    o: () => { split = !split; changed(); }, // the original beside the painting
    c: () => toggle("quantize"), x: () => toggle("superpixels"),
  };
  function toggle(name) {
    const slider = store.sliders.find((one) => one.name === name);
    if (!slider) return;
    panel.place(name, name in store.look.amounts ? undefined : slider.default);
  }
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    const digit = /^[1-9]$/.test(event.key) && store.styles[Number(event.key) - 1];
    if (digit) styles.pick(digit.name);
    else if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  };
  addEventListener("keydown", onKey);

  canvas.replaceChildren(el("div", { class: "empty" },
    el("h1", { class: "title" }, "Paint what your camera sees"),
    el("p", { class: "soft" }, "Each picture goes to this server, is painted, and comes back. None is kept."),
    el("button", { class: "main", onclick: () => told(() => start("own")) }, "Start your camera")));
  chooser();
  styles.reveal();
  source = null;
  return { leave: () => { gone = true; stop(); removeEventListener("keydown", onKey); } };
}

const stamp = () => new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, "-");
