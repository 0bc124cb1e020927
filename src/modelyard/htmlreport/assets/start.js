"use strict";
// Navigation, theme, environment; then everything is drawn.
(() => {
  const { data, state, el, drawAll, paintCharts } = window.page;
  const SECTIONS = [...(data.changes ? [["changes", "Changes"]] : []), ["findings", "Findings"], ["memory", "Memory"], ["placement", "Placement"], ...(data.environments.some((each) => each.latency?.length) ? [["latency", "Latency"]] : []), ["cost", "Cost"], ["waves", "Sync order"], ["references", "References"]];
  document.getElementById("nav").append(...SECTIONS.map(([id, title]) => el("li", {}, el("a", { href: `#${id}` }, title))));

  const redraw = () => { drawAll(); paintCharts(); };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const THEMES = ["", "light", "dark"];
  const button = document.getElementById("theme");
  function theme() {
    document.documentElement.dataset.theme = state.theme || (dark.matches ? "dark" : "light");
    button.textContent = { "": "Theme: auto", light: "Theme: light", dark: "Theme: dark" }[state.theme];
  }
  button.addEventListener("click", () => {
    state.theme = THEMES[(THEMES.indexOf(state.theme) + 1) % THEMES.length];
    theme();
    redraw();
  });
  dark.addEventListener("change", () => { theme(); redraw(); });

  const select = document.getElementById("environment");
  if (data.environments.length > 1) {
    select.parentElement.hidden = false;
    select.append(el("option", { value: "" }, "all"), ...data.environments.map((each) => el("option", { value: each.name }, each.name)));
    select.addEventListener("change", () => { state.environment = select.value; redraw(); });
  }
  theme();
  redraw();
})();
