// Camera: painted while one looks, the newest picture always. Nothing leaves the device.
import { el, save, told } from "./dom.js";
import { controls, strip } from "./look.js";
import { meansLine } from "./means.js";
import { chosenControls, chosenVector } from "./site.js";
import { settle, store } from "./store.js";
import { mixed } from "./tensors.js";

const SIZES = [180, 270, 360, 480, 720]; // short side in pixels
const PAINTED_PX = 360; // the short side at which the network works at brush size 1
const FINER = 1.5; // a picture this much larger than what is painted has finer edges, and costs little more
const FADE_MS = 600;
let size = null; // until somebody chooses, what the means can do

/** `choosePainting` lets one choose a painting as a style, `remove` one's own go. */
export function cameraPlace(main, { choosePainting, remove }) {
  settle();
  const output = el("canvas", { "aria-label": "The painted camera", role: "img" });
  const rate = el("output", { class: "rate", "aria-label": "Pictures a second" });
  const picture = el("div", { class: "picture" }, output, rate);
  const canvas = el("div", { class: "canvas" });
  let [styles, panel] = look();
  const means = meansLine();
  const sizes = el("select", { id: "size", onchange: () => { size = Number(sizes.value); } },
    ...SIZES.map((px) => el("option", { value: px }, `${px}p`)));
  sizes.value = size || 270;
  const other = el("button", { hidden: true, onclick: () => told(turn) }, "Other camera");
  const pause = el("button", { "aria-pressed": "false", onclick: pauseOrGo }, "Pause");
  const shoot = el("button", { onclick: snapshot }, "Snapshot");
  const record = el("button", { class: "alarm", "aria-pressed": "false", onclick: recordOrStop }, "Record");
  const full = el("button", { onclick: fullScreen }, "Full screen");
  main.replaceChildren(el("div", { class: "room" },
    el("section", { class: "stage", "aria-label": "Camera" }, canvas), styles,
    el("aside", { class: "panel", "aria-label": "Look" }, panel,
      el("footer", {}, means, el("div", { class: "row" }, el("label", { class: "grow", for: "size" }, "Size"), other, sizes),
        el("div", { class: "pairs" }, pause, shoot, record, full)))));
  const acting = [pause, shoot, record, full];
  for (const button of acting) button.disabled = true;

  let stream = null, film = null, facing = "user", recorder = null, paused = false, gone = false, times = [];
  let fade = { from: chosenVector(), to: chosenVector(), since: -Infinity };

  /** The style on its way from the one before to the chosen one. */
  const vectorNow = () => mixed(fade.from, fade.to, Math.min(1, (performance.now() - fade.since) / FADE_MS));

  function look() {
    return [strip({ tile: (style) => style.painting, onChange: changed, onAdd: choosePainting }), controls({ onChange: changed, onRemove: remove, moving: true })];
  }

  /** Shows the styles again, when there is a new one; the camera goes on. */
  function renew() {
    const [before, news] = [[styles, panel], look()];
    before.forEach((one, index) => one.replaceWith(news[index]));
    [styles, panel] = news;
    styles.reveal();
    changed();
  }

  function changed() {
    panel.refresh();
    fade = { from: vectorNow(), to: chosenVector(), since: performance.now() };
  }

  async function start() {
    stop();
    if (!navigator.mediaDevices) throw new Error("A browser gives its camera only to https pages, and to this machine");
    const video = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: facing };
    stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
    other.hidden = cameras.length < 2;
    film = el("video", { muted: true, playsinline: true });
    film.srcObject = stream;
    await film.play();
    await store.ready;
    sizes.value = size ||= usualSize();
    if (gone) { stop(); return; }
    canvas.replaceChildren(picture);
    picture.classList.add("busy"); // until the first picture
    for (const button of acting) button.disabled = false;
    loop(film); // ends with the film
  }

  /** Takes the newest picture whenever the one before is painted. */
  async function loop(from) {
    let seen = -1;
    while (from === film && !gone) {
      await new Promise(requestAnimationFrame);
      if (paused || !from.videoWidth || from.currentTime === seen) continue;
      seen = from.currentTime;
      if (!(await told(async () => { show(await painted(from)); return true; }))) stop(); // it would fail every time
    }
  }

  async function painted(from) {
    const scale = Math.min(1, size / Math.min(from.videoWidth, from.videoHeight));
    const [width, height] = [from.videoWidth, from.videoHeight].map((side) => Math.round(side * scale));
    const bitmap = await createImageBitmap(from);
    const controls = { ...chosenControls(), style: vectorNow() };
    controls.stroke = Math.min(4, (controls.stroke ?? 1) * Math.max(1, (FINER * PAINTED_PX) / size));
    const wish = { bitmap, width, height, mirror: facing === "user", controls };
    return (await store.painter.paint(wish)).picture;
  }

  function show(bitmap) {
    if (output.width !== bitmap.width || output.height !== bitmap.height) {
      output.width = bitmap.width;
      output.height = bitmap.height;
      picture.style.setProperty("--ratio", bitmap.width / bitmap.height);
    }
    picture.classList.remove("busy");
    output.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    const now = performance.now();
    times = [...times, now].filter((time, index, all) => now - time < 2000 || index >= all.length - 3); // three on a slow device
    if (times.length > 2) rate.textContent = `${(((times.length - 1) / (now - times[0])) * 1000).toFixed(1)} fps`;
  }

  async function turn() { facing = facing === "user" ? "environment" : "user"; await start(); }

  function pauseOrGo() { paused = !paused; pause.setAttribute("aria-pressed", paused); }

  function snapshot() { output.toBlob((blob) => blob && save(blob, `artrt-${stamp()}.png`), "image/png"); }

  function recordOrStop() {
    if (recorder) { recorder.stop(); return; }
    const type = ["video/webm", "video/mp4"].find((one) => MediaRecorder.isTypeSupported(one));
    const parts = [];
    recorder = new MediaRecorder(output.captureStream(), { mimeType: type, videoBitsPerSecond: 8e6 });
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      recorder = null;
      record.setAttribute("aria-pressed", "false");
      save(new Blob(parts, { type }), `artrt-${stamp()}.${type.split("/")[1]}`);
    };
    recorder.start();
    record.setAttribute("aria-pressed", "true");
  }

  function fullScreen() { document.fullscreenElement ? document.exitFullscreen() : told(() => picture.requestFullscreen()); }

  function stop() {
    recorder?.stop();
    stream?.getTracks().forEach((track) => track.stop());
    stream = film = null;
    times = [];
  }

  function nudge(by) {
    const { strength } = panel.made;
    strength.set(Math.min(1, Math.max(0, Number(strength.input.value) + by)));
    strength.input.dispatchEvent(new Event("input"));
  }

  // The keys of the window of `artrt live`.
  const keys = {
    n: () => styles.step(1), p: () => styles.step(-1), " ": pauseOrGo, s: snapshot, r: recordOrStop, f: fullScreen,
    "+": () => nudge(0.1), "-": () => nudge(-0.1),
  };
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    const digit = /^[1-9]$/.test(event.key) && store.styles[Number(event.key) - 1];
    if (digit) styles.pick(digit.name);
    else if (film && keys[event.key]) { event.preventDefault(); keys[event.key](); }
    else if (event.key === "n" || event.key === "p") keys[event.key]();
  };
  addEventListener("keydown", onKey);

  styles.reveal();
  canvas.replaceChildren(el("div", { class: "empty" },
    el("h1", { class: "title" }, "Paint what your camera sees"),
    el("p", { class: "soft" }, "On this device. No picture leaves it."),
    el("button", { class: "main", onclick: () => told(start) }, "Start the camera")));
  return { renew, leave: () => { gone = true; stop(); means.leave(); removeEventListener("keydown", onKey); } };
}

function usualSize() {
  const { backend, threads } = store.means;
  return backend === "WebGPU" ? 720 : threads >= 4 ? 360 : 270;
}

const stamp = () => new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, "-");
