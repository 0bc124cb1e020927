"use strict";
// What every part of the page uses. Values of the repository reach the page as text nodes and attributes only.
window.page = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const state = { environment: "", theme: "" };
  const redraws = [];

  /** Make an element; a function among the attributes is a listener, null and false leave an attribute out. */
  function el(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") made.addEventListener(name, value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }

  /** Fill a section anew: its heading, a lead, what follows. */
  function fill(id, title, lead, ...children) {
    document.getElementById(id).replaceChildren(
      el("h2", { id: `${id}-title` }, title), lead ? el("p", { class: "lead" }, lead) : "", ...children.flat(Infinity));
  }

  const environments = () => data.environments.filter((each) => !state.environment || each.name === state.environment);
  const several = () => environments().length > 1;
  /** What concerns the chosen environment; what is of none concerns all. */
  const concerned = (items) => items.filter((each) => !state.environment || !each.environment || each.environment === state.environment);
  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  const money = (usd) => (usd < 10 && usd > 0 ? `$${usd.toFixed(2)}` : `$${Math.round(usd).toLocaleString("en")}`);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  /** A link that can only be a web address of ours. */
  const link = (url, text) => (/^https:\/\//.test(url || "") ? el("a", { href: url, rel: "noreferrer" }, text) : text);

  /** Return a list that shows some of its items and a button for more, so that a thousand of them stay quick. */
  function paged(items, draw, list, step) {
    let shown = 0;
    const rest = el("p", { class: "more" });
    const next = () => {
      const first = shown;
      list.append(...items.slice(shown, shown + step).map(draw));
      shown = Math.min(items.length, shown + step);
      rest.replaceChildren(...(shown < items.length ? [
        el("button", { type: "button", class: "quiet", click: () => { next(); list.children[first + step]?.querySelector("a,button,summary")?.focus(); } },
          `Show ${Math.min(step, items.length - shown)} more`),
        el("span", {}, `${shown.toLocaleString("en")} of ${items.length.toLocaleString("en")}`)] : []));
    };
    next();
    return rest;
  }

  /** Return what is drawn only when it is opened. */
  function closed(attributes, title, draw) {
    const made = el("details", attributes, el("summary", {}, title));
    made.addEventListener("toggle", () => made.append(...[draw()].flat(Infinity)), { once: true });
    return made;
  }

  const MANY = 3;

  /**
   * Return a panel for each environment: open where there are few, else closed and drawn when it is opened.
   *
   * @param shown The environments; @param tell what the closed panel says of one; @param draw what it holds.
   */
  function panels(shown, tell, draw, open = shown.length <= MANY) {
    if (open) return shown.map((each) => el("div", { class: "panel" }, several() ? el("h3", {}, each.name) : "", draw(each)));
    return shown.map((each) => closed({ class: "panel" }, [el("b", {}, each.name), ` ${tell(each)}`], () => draw(each)));
  }

  /** A table that keyboards can scroll. */
  const scrolling = (label, table) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
  const onDraw = (draw) => redraws.push(draw);
  const drawAll = () => redraws.forEach((draw) => draw());
  return { data, state, el, fill, environments, several, concerned, count, money, colour, link, paged, closed, panels, scrolling, onDraw, drawAll };
})();
