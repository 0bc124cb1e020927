"use strict";
// The verdict in one sentence and in figures.
(() => {
  const { data, state, el, environments, concerned, count, money, onDraw } = window.page;

  function sentence(tally) {
    const told = [];
    if (tally.error) told.push(count(tally.error, "error"));
    if (tally.warning) told.push(count(tally.warning, "warning"));
    const gaps = tally.gap ? `${count(tally.gap, "thing")} could not be checked` : "";
    if (told.length) return `${told.join(" and ")}${gaps ? `; ${gaps}` : ""}`;
    return gaps ? `No errors or warnings; ${gaps}` : "No errors, no warnings, and everything was checked";
  }

  function draw() {
    const findings = concerned(data.findings);
    const gaps = concerned(data["not-checked"]).filter((gap) => !gap.accepted);
    const tally = { gap: gaps.length, error: 0, warning: 0, note: 0 };
    for (const finding of findings) tally[finding.severity] += 1;
    const shown = environments();
    const models = shown.flatMap((each) => each.memory || []);
    const unfit = models.filter((each) => each.verdict === "does not fit").length;
    const homeless = shown.flatMap((each) => (each.placement ? each.placement.rows : [])).filter((row) => row.refused);
    const costs = shown.map((each) => each.cost).filter(Boolean);
    const sum = (scale, end) => costs.reduce((total, cost) => total + cost.total[scale][end], 0);
    const unpriced = costs.some((cost) => cost.total.unknown.length || cost.gaps.length);
    const [low, high] = [sum("floor", 0), sum("ceiling", 1)];
    const tile = (kind, figure, words) => el("li", { class: `tile ${kind}` }, el("b", {}, figure), el("span", {}, words));
    const where = shown.map((each) => each.name).join(", ");
    document.getElementById("verdict").replaceChildren(
      el("h1", { id: "verdict-title" }, sentence(tally)),
      el("p", { class: "lead" },
        `${count(shown.reduce((total, each) => total + each.applications, 0), "Application")}, `,
        `${count(shown.reduce((total, each) => total + each.models, 0), "model")} and `,
        `${count(shown.reduce((total, each) => total + each.resources, 0), "resource")} `,
        `in ${shown.length > 4 ? count(shown.length, "environment") : where}. `,
        data.verdict.fails ? "The check fails." : "The check passes.",
        tally.gap ? " What could not be checked may still fail." : ""),
      el("ul", { class: "tiles" },
        tile(tally.error ? "error" : "", tally.error, tally.error === 1 ? "error" : "errors"),
        tile(tally.warning ? "warning" : "", tally.warning, tally.warning === 1 ? "warning" : "warnings"),
        tile(tally.gap ? "gap" : "", tally.gap, "not checked"),
        tile(unfit || homeless.length ? "error" : "", models.length,
          `${models.length === 1 ? "model" : "models"}${unfit ? `, ${unfit} ${unfit === 1 ? "does" : "do"} not fit` : ""}${homeless.length ? `, ${count(homeless.length, "workload")} without a node` : ""}`),
        costs.length ? tile("wide", high > low ? `${money(low)} – ${money(high)}` : money(low), `per month${unpriced ? ", plus items without a known price" : ""}`) : ""));
    document.title = `${sentence(tally)} · ${data.title}`;
    document.getElementById("title").textContent = data.title;
    document.getElementById("foot").textContent =
      `Written by Modelyard ${data.modelyard}${state.environment ? `, environment ${state.environment}` : ""}. This file loads nothing and sends nothing.`;
  }
  onDraw(draw);
})();
