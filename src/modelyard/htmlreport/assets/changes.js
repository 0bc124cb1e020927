"use strict";
// What changed since a revision: the outcome, a row for each Application, and what differs below it.
(() => {
  const { data, el, concerned, count, money, closed, paged, scrolling, onDraw } = window.page;
  const section = document.getElementById("changes");
  const BADGES = { added: "good", removed: "error", renamed: "warning", changed: "note" };
  const LONGEST = 400, LINES = 60;

  const shorten = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
  const value = (any) => shorten(typeof any === "string" ? any : JSON.stringify(any));
  const severity = { error: "error", warning: "warning", note: "note" };
  const range = (ends) => (ends ? (Math.round(ends[0]) === Math.round(ends[1]) ? money(ends[0]) : `${money(ends[0])} – ${money(ends[1])}`) : "not known");
  const both = (before, after) => (before === after || !before ? after : !after ? before : [el("s", {}, before), " → ", after]);

  /** A side that has no such Application has no cost, which is not the same as an unknown one. */
  function cost(each) {
    if (!each.cost) return "";
    if (each.cost.unknown) return el("span", { title: each.cost.unknown }, "not known");
    const before = each.kind === "added" ? "" : range(each.cost.before);
    return each.kind === "removed" ? el("s", {}, before) : both(before, range(each.cost.after));
  }

  function table(environment) {
    const rows = environment.applications;
    const names = ["fits", "objectives", "runs on"].filter((name) => rows.some((each) => each.columns[name]));
    const body = el("tbody", {});
    const draw = (each) => el("tr", {},
      el("th", { scope: "row" }, each.name, each["name-before"] ? el("span", { class: "sub" }, `was ${each["name-before"]}`) : "", each.served ? el("span", { class: "sub" }, each.served) : ""),
      el("td", {}, el("span", { class: `badge ${BADGES[each.kind]}` }, each.kind), each.scale ? el("span", { class: "sub" }, each.scale) : ""),
      names.map((name) => el("td", {}, each.columns[name] ? both(...each.columns[name]) : "")),
      el("td", { class: "number" }, cost(each)),
      el("td", {}, each.restarts.map((restart) => el("span", { class: "sub" }, `${restart.pods}, ${restart.pace}: ${restart.reasons.join(", ")}`))));
    const rest = paged(rows, draw, body, 40);
    return [scrolling(`Applications of ${environment.name} that change`, el("table", {},
      el("thead", {}, el("tr", {}, ["Application", "Change", ...names.map((name) => name[0].toUpperCase() + name.slice(1))].map((name) => el("th", { scope: "col" }, name)),
        el("th", { scope: "col", class: "number" }, "A month"), el("th", { scope: "col" }, "Restarts"))), body)), rest];
  }

  const hazard = (each, name) => el("li", { class: `item ${severity[each.severity]}` },
    el("header", {}, el("span", { class: `badge ${severity[each.severity]}` }, each.topic), name ? el("span", {}, name) : ""), el("p", { class: "message" }, each.message));
  const finding = (each, word) => el("li", { class: `item ${word === "new" ? severity[each.severity] : ""}` },
    el("header", {}, el("span", { class: `badge ${word === "new" ? severity[each.severity] : "good"}` }, word === "new" ? `new ${each.severity}` : "gone"), el("span", {}, each.rule),
      each.application ? el("span", {}, each.application) : "", each.file ? el("code", { class: "place" }, each.line ? `${each.file}:${each.line}` : each.file) : ""),
    el("p", { class: "message" }, each.message), word === "new" && each.fix ? el("p", { class: "fix" }, el("b", {}, "Fix: "), each.fix) : "");

  function field(each) {
    const left = each.lines.length - LINES;
    const lines = [...each.lines.slice(0, LINES).map(shorten), ...(left > 0 ? [`… ${count(left, "line")} more, which modelyard diff shows`] : [])];
    if (each.lines.length) return [el("tr", {}, el("th", { scope: "row" }, each.path), el("td", { colspan: "2" }, el("pre", { tabindex: "0", "aria-label": each.path }, lines.join("\n"))))];
    return el("tr", {}, el("th", { scope: "row" }, each.path), el("td", {}, "before" in each ? el("code", {}, value(each.before)) : "–"), el("td", {}, "after" in each ? el("code", {}, value(each.after)) : "–"));
  }

  function resource(each) {
    const body = el("tbody", {});
    const title = `${each.kind} ${each["resource-kind"]} ${each["name-before"] ? `${each["name-before"]} → ` : ""}${each.name}`;
    if (!each.fields.length) return el("p", { class: "sub" }, title);
    const rest = paged(each.fields, field, body, 50);
    return el("details", {}, el("summary", {}, `${title}: ${count(each.fields.length, "field")}`),
      scrolling(title, el("table", {}, el("thead", {}, el("tr", {}, ["Field", "Before", "After"].map((name) => el("th", { scope: "col" }, name)))), body)), rest);
  }

  /** The resources of one Application, made when somebody opens them. */
  function resources(title, list) {
    if (!list.length) return "";
    return closed({}, `${title}: ${count(list.length, "resource")}`, () => {
      const box = el("div", {});
      return [box, paged(list, resource, box, 100)];
    });
  }

  function list(items) {
    const all = el("ul", { class: "items" });
    return items.length ? [all, paged(items, (each) => each, all, 20)] : "";
  }

  function block(environment) {
    const told = [
      ...(environment["new-findings"] || []).map((each) => finding(each, "new")),
      ...environment.hazards.map((each) => hazard(each, "")),
      ...environment.applications.flatMap((each) => each.hazards.map((told) => hazard(told, each.name))),
      ...environment["gone-findings"].map((each) => finding(each, "gone"))];
    const gaps = environment["not-compared"];
    const notice = el("div", {});
    const rest = paged(gaps, (gap) => el("p", {}, `Not compared: ${gap.subject}: ${gap.reason}`), notice, 50);
    return el("div", { class: "panel" },
      el("h3", {}, `${environment.name}: ${environment.outcome}`),
      environment.applications.length ? table(environment) : "",
      list(told),
      gaps.length ? el("div", { class: "notice" }, notice, rest) : "",
      el("details", {}, el("summary", {}, "Every field that differs"),
        environment.facts.length ? el("div", {}, scrolling("environment.yaml", el("table", {}, el("tbody", {}, environment.facts.map(field))))) : "",
        resources("app-of-apps and bootstrap", environment.resources),
        environment.applications.map((each) => resources(each.name, each.resources))));
  }

  function draw() {
    if (!data.changes) return;
    const shown = concerned(data.changes.environments.map((each) => ({ ...each, environment: each.name })));
    section.hidden = false;
    section.replaceChildren(el("h2", { id: "changes-title" }, `Changes since ${data.changes.base}`),
      el("p", { class: "lead" }, "What changes in each cluster once this is merged and synced, by comparing the rendered manifests. No cluster was contacted."),
      ...(shown.length ? shown.map(block) : [el("p", { class: "empty" }, "No deployed resource changes.")]));
  }
  onDraw(draw);
})();
