// One's own styles, kept by the browser for the next visit (IndexedDB).
const NAME = `artrt ${new URL("./", document.baseURI).href}`; // sites of one host do not share them
const TABLE = "styles";

/** Keeps a style: { name, vector, trunk, painting: Blob or null, … }. Refused where the browser keeps no data. */
export const keepStyle = (style) => asked("readwrite", (table) => table.put({ ...style, kept: Date.now() }));

export const forgetStyle = (name) => asked("readwrite", (table) => table.delete(name));

/** The kept styles, the newest first. */
export async function keptStyles() {
  const styles = await asked("readonly", (table) => table.getAll()).catch(() => []);
  return styles.sort((a, b) => b.kept - a.kept);
}

async function asked(mode, request) {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(TABLE, { keyPath: "name" });
  const base = await done(opening);
  try {
    return await done(request(base.transaction(TABLE, mode).objectStore(TABLE)));
  } finally {
    base.close();
  }
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
