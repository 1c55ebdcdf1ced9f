// Dark or light: as the system says, until somebody chooses.

/** Sets the theme, and lets the button `#theme` change it. */
export function themed() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  choose(localStorage.getItem("theme") || (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => !localStorage.getItem("theme") && choose(dark.matches ? "dark" : "light"));
  document.getElementById("theme").addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", theme);
    choose(theme);
  });
}

function choose(theme) {
  document.documentElement.dataset.theme = theme;
  document.querySelector("meta[name=color-scheme]").content = theme;
}
