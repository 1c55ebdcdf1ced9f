// Files that are dropped anywhere on the page, or pasted.

/**
 * Gives them to `take`, and shows `#drop` while something is held over the page. Where `#drop` has parts with `data-as`,
 * `take` also gets the value of the part that they were dropped on.
 */
export function arriving(take) {
  const cover = document.getElementById("drop");
  let depth = 0;
  addEventListener("dragenter", (event) => { event.preventDefault(); depth += 1; cover.hidden = false; });
  addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) cover.hidden = true; });
  const part = (event) => event.target.closest?.("[data-as]");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    for (const one of cover.children) one.classList.toggle("over", one === part(event));
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    cover.hidden = true;
    take([...event.dataTransfer.files], part(event)?.dataset.as);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (files.length) take(files);
  });
}
