"use strict";
// Findings and gaps in one list: what was not checked stands beside what is wrong, and is filtered like it.
(() => {
  const { data, el, fill, concerned, link, paged, several, onDraw } = window.page;
  const KINDS = [["error", "Errors"], ["warning", "Warnings"], ["note", "Notes"], ["gap", "Not checked"], ["accepted", "Accepted gaps"]];
  const WORDS = { error: "error", warning: "warning", note: "note", gap: "not checked", accepted: "accepted gap" };
  const filter = { text: "", off: new Set(), area: "" };

  /** Gaps of one reason are one entry with several subjects: five charts that are not in the cache need one remedy. */
  function gaps() {
    const together = new Map();
    for (const gap of concerned(data["not-checked"])) {
      const key = JSON.stringify([gap.reason, gap.fix, gap.rule, gap.environment, gap.accepted]);
      const group = together.get(key) || { ...gap, kind: gap.accepted ? "accepted" : "gap", subjects: [], applications: new Set() };
      group.subjects.push(gap.subject);
      if (gap.application) group.applications.add(gap.application);
      together.set(key, group);
    }
    return [...together.values()].map((group) => ({ ...group, message: group.subjects.join(", "),
      application: [...group.applications].join(", ") }));
  }

  function entries() {
    const found = concerned(data.findings).map((each) => ({ ...each, kind: each.severity }));
    const all = [...found, ...gaps()];
    for (const each of all) each.words ??= Object.values(each).flat().join(" ").toLowerCase();
    const order = Object.keys(WORDS);
    return all.sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
  }

  const area = (entry) => (entry.rule || "").split("/")[0];

  function excerpt(source, line) {
    if (!source) return "";
    const { text, first, last } = source;
    const indent = text.length - text.trimStart().length;
    const parts = first === null ? [text.trimStart()] : [text.slice(Math.min(indent, first), first), el("mark", {}, text.slice(first, last)), text.slice(last)];
    return el("pre", { tabindex: "0", "aria-label": `line ${line}` }, el("span", { class: "number" }, String(line)), ...parts);
  }

  function item(entry) {
        return el("li", { class: `item ${entry.kind}` },
      el("header", {},
        el("span", { class: `badge ${entry.kind}` }, WORDS[entry.kind]),
        entry.rule ? link(entry.url, entry.rule) : "",
        several() && entry.environment ? el("span", {}, entry.environment) : "",
        entry.application && !(entry.applications?.size > 1) ? el("span", {}, entry.application) : "",
        entry.place ? el("code", { class: "place" }, entry.place) : ""),
      el("p", { class: "message" }, entry.message),
      entry.subjects ? el("p", {}, entry.reason) : "",
      entry.accepted ? el("p", {}, `Accepted: ${entry.accepted}`) : "",
      entry.detail?.length ? el("pre", { class: "detail", tabindex: "0", "aria-label": "details" }, entry.detail.join("\n")) : "",
      excerpt(entry.source, entry.line),
      entry.fix ? el("p", { class: "fix" }, el("b", {}, "Fix: "), entry.fix) : "");
  }

  const results = el("div", {});
  const status = el("p", { class: "lead", role: "status" });

  function list() {
    const wanted = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const all = entries();
    const chosen = all.filter((each) => !filter.off.has(each.kind) && (!filter.area || area(each) === filter.area)
      && wanted.every((word) => each.words.includes(word)));
    const items = el("ul", { class: "items" });
    status.textContent = chosen.length === all.length ? "" : `${chosen.length} of ${all.length} shown`;
    results.replaceChildren(...(chosen.length ? [items, paged(chosen, item, items, 30)]
      : [el("p", { class: "empty" }, all.length ? "Nothing matches these filters." : "Nothing was found, and everything was checked.")]));
  }

  const search = el("input", { type: "search", placeholder: "Search text, files, rules", "aria-label": "Search findings",
    input: (event) => { filter.text = event.target.value; list(); } });

  function draw() {
    const all = entries();
    const areas = [...new Set(all.map(area).filter(Boolean))].sort();
    if (!areas.includes(filter.area)) filter.area = "";
    const chips = KINDS.map(([kind, title]) => [kind, title, all.filter((each) => each.kind === kind).reduce((total, each) => total + (each.subjects?.length || 1), 0)])
      .filter(([, , number]) => number)
      .map(([kind, title, number]) => el("button", { type: "button", class: "chip", "aria-pressed": String(!filter.off.has(kind)),
        click: (event) => {
          if (!filter.off.delete(kind)) filter.off.add(kind);
          event.currentTarget.setAttribute("aria-pressed", String(!filter.off.has(kind)));
          list();
        } }, el("i", { class: kind, "aria-hidden": "true" }), `${title} ${number}`));
    const select = el("select", { "aria-label": "Area of the rule", change: (event) => { filter.area = event.target.value; list(); } },
      el("option", { value: "" }, "All areas"), areas.map((each) => el("option", { value: each, selected: each === filter.area }, each)));
    fill("findings", "Findings", "", el("div", { class: "filters" }, search, ...chips, areas.length > 1 ? select : ""), status, results);
    list();
  }

  /** Show what concerns one Application. */
  window.page.searchFindings = (text) => {
    search.value = filter.text = text;
    list();
    document.getElementById("findings").scrollIntoView();
    search.focus({ preventScroll: true });
  };
  onDraw(draw);
})();
