// Small things that every place uses: elements, requests, messages.

/** Makes an element: el("button", { class: "main", onclick: f }, "Text", child). */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let hushing = 0;
/** Tells the user something for some seconds. */
export function say(text, alarm = false) {
  const place = document.getElementById("say");
  place.textContent = text;
  place.className = alarm ? "alarm" : "";
  clearTimeout(hushing);
  hushing = setTimeout(() => (place.textContent = ""), alarm ? 8000 : 3500);
}

/** A request; the answer as JSON, as a Blob, or nothing. Throws an Error with the server's own words. */
export async function ask(method, path, body, options = {}) {
  const json = body !== undefined && !(body instanceof Blob);
  const response = await fetch(path, {
    method,
    headers: json ? { "content-type": "application/json" } : options.headers,
    body: json ? JSON.stringify(body) : body,
    signal: options.signal,
  });
  const type = response.headers.get("content-type") || "";
  if (!response.ok) {
    const told = type.startsWith("application/json") ? (await response.json()).error : await response.text();
    throw new Error(told || `refused (${response.status})`);
  }
  if (response.status === 204) return null;
  return type.startsWith("application/json") ? response.json() : response.blob();
}

/** Sends a file as it is, and tells how much has gone. */
export function send(path, file, onShare = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("x-name", encodeURIComponent(file.name || "picture"));
    request.upload.onprogress = (event) => event.lengthComputable && onShare(event.loaded / event.total);
    request.onerror = () => reject(new Error("the connection broke off"));
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer = { error: request.responseText }; }
      if (request.status < 300) resolve(answer);
      else reject(new Error(answer.error || `refused (${request.status})`));
    };
    request.send(file);
  });
}

/** Runs an action and tells when it fails; a request that was given up is no failure. */
export async function told(action) {
  try { return await action(); } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
    return undefined;
  }
}

/** Runs the newest of the calls that come while one runs; those between are left out. */
export function newestOnly(action) {
  let running = false, waiting = null;
  return async function call(...values) {
    if (running) { waiting = values; return; }
    running = true;
    try { await action(...values); } finally {
      running = false;
      if (waiting) { const next = waiting; waiting = null; call(...next); }
    }
  };
}

/** Saves a Blob or an address as a file. */
export function save(source, name) {
  const link = el("a", { href: typeof source === "string" ? source : URL.createObjectURL(source), download: name });
  link.click();
  if (typeof source !== "string") setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Lets the user choose files. */
export function choose({ accept, multiple = false, capture }, onFiles) {
  const input = el("input", { type: "file", accept, multiple, capture });
  input.addEventListener("change", () => onFiles([...input.files]));
  input.click();
}
