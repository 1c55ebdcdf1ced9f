// The socket on which frames go up and painted ones come back; at most two are on their way, so nothing is queued.

/** Opens it. `onPicture(blob)` gets the painted frames; `frame()` gives the next own one as a JPEG, or null. */
export function liveSocket({ source, token = "", onPicture, onError, onEnd, frame }) {
  const place = new URL("/api/live", location.href);
  place.protocol = place.protocol === "https:" ? "wss:" : "ws:";
  place.searchParams.set("source", source);
  if (token) place.searchParams.set("token", token);
  const socket = new WebSocket(place);
  socket.binaryType = "blob";
  let look = null, pending = 0, ended = false;
  const tell = () => socket.readyState === WebSocket.OPEN && look && socket.send(JSON.stringify(look));
  const feed = async () => {
    if (!frame || ended || pending >= 2 || socket.readyState !== WebSocket.OPEN) return;
    pending += 1;
    const jpeg = await frame();
    if (jpeg && socket.readyState === WebSocket.OPEN) socket.send(jpeg);
    else { pending -= 1; if (!ended) setTimeout(feed, 100); return; }
    feed();
  };
  socket.onopen = () => { tell(); feed(); };
  socket.onmessage = async (event) => {
    pending = Math.max(0, pending - 1);
    if (typeof event.data === "string") onError(new Error(JSON.parse(event.data).error));
    else await onPicture(event.data);
    feed();
  };
  socket.onclose = () => { if (!ended) { ended = true; onEnd(); } };
  return {
    change(news) { look = news; tell(); },
    close() { ended = true; socket.close(); },
  };
}
