// Files that are dropped anywhere on the page, or pasted.

/** Gives them to `take`, and shows `#drop` while something is held over the page. */
export function arriving(take) {
  const cover = document.getElementById("drop");
  let depth = 0;
  addEventListener("dragenter", (event) => { event.preventDefault(); depth += 1; cover.hidden = false; });
  addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) cover.hidden = true; });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    cover.hidden = true;
    take([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (files.length) take(files);
  });
}
