"use strict";
// Objectives of models: what is asked, what is estimated, and what load tests measured.
(() => {
  const { el, environments, several, count, money, scrolling, paged, onDraw, bars, legend } = window.page;
  const section = document.getElementById("latency");
  const BADGES = { meets: "good", unsure: "gap", misses: "warning", cannot: "error", "not estimated": "gap" };
  const ORDER = ["cannot", "misses", "unsure", "not estimated", "meets"];
  const METRICS = [["ttft", "Time to the first token"], ["itl", "Time between tokens"]];
  const MOST = 24;

  const ms = (value) => (value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 100 ? 1 : 0)} ms`);
  const rank = (each) => (each.verdict ? ORDER.indexOf(each.verdict) : ORDER.length);
  const models = () => environments().flatMap((environment) => (environment.latency || []).map((each) => ({ ...each, name: several() ? `${environment.name}/${each.name}` : each.name })))
    .sort((one, other) => rank(one) - rank(other));

  /** The range of one metric of each model; what is asked is in the tooltip and in the table. */
  function chart(all, key, title) {
    const shown = all.filter((each) => each[key]?.estimate).slice(0, MOST);
    if (!shown.length) return "";
    const ends = shown.map((each) => each[key].estimate);
    const late = shown.map((each) => each[key].wanted !== null && each[key].estimate[2] > each[key].wanted);
    const series = [
      { name: "fastest of 80 %", shade: "left", values: ends.map(([low]) => low) },
      { name: "80 % of measurements, inside the objective", shade: "good", values: ends.map(([low, , high], index) => (late[index] ? 0 : high - low)) },
      { name: "80 % of measurements, the objective inside or below", shade: "warning", values: ends.map(([low, , high], index) => (late[index] ? high - low : 0)) },
    ];
    const used = series.filter((each) => each.values.some((value) => value > 0));
    return el("div", { class: "panel" }, el("h3", {}, title), legend(used),
      bars(`${title} of ${count(shown.length, "model")}, in milliseconds; the table below has the same figures`, shown.map((each) => each.name), used,
        (index) => [shown[index].name, `${ms(ends[index][0])} to ${ms(ends[index][2])}, median ${ms(ends[index][1])}`,
          shown[index][key].wanted === null ? "no objective" : `objective ${ms(shown[index][key].wanted)} at p${shown[index].percentile}`], ms));
  }

  function times(each, key) {
    const told = each[key];
    if (!told) return el("td", {});
    return el("td", {}, told.estimate ? `${ms(told.estimate[0])} to ${ms(told.estimate[2])}` : "not estimated",
      el("span", { class: "sub" }, told.wanted === null ? "no objective" : `objective ${ms(told.wanted)} at p${each.percentile}`));
  }

  const row = (each) => el("tr", {},
    el("th", { scope: "row" }, each.name, el("span", { class: "sub" }, each.model), each.load ? el("span", { class: "sub" }, each.load) : ""),
    el("td", {}, el("span", { class: `badge ${BADGES[each.verdict] || "gap"}` }, each.verdict || "not checked"),
      el("span", { class: "sub" }, each.gap || each.reason || (each.calibrated ? "corrected by load tests" : "estimated"))),
    METRICS.map(([key]) => times(each, key)),
    el("td", { class: "number" }, each["usd-per-million"] ? money(each["usd-per-million"]) : "", each.device ? el("span", { class: "sub" }, each.device) : ""));

  function tests(all) {
    const runs = all.flatMap((each) => each.runs.map((run) => ({ ...run, name: each.name })));
    if (!runs.length) return "";
    const body = el("tbody", {});
    const rest = paged(runs, (run) => el("tr", {},
      el("th", { scope: "row" }, run.name, el("span", { class: "sub" }, `${run.tool}, ${run.day}, ${run.file}`)),
      el("td", {}, `${run.ranks} × ${run.device}`, el("span", { class: "sub" }, run.version)),
      el("td", {}, `${Math.round(run.prompt)} in, ${Math.round(run.output)} out`),
      el("td", { class: "number" }, run.requests.toFixed(1)), el("td", { class: "number" }, run.rate.toFixed(2)),
      el("td", { class: "number" }, run.ttft === null ? "" : ms(run.ttft)), el("td", { class: "number" }, run.itl === null ? "" : ms(run.itl))), body, 50);
    return el("details", { open: runs.length <= 8 }, el("summary", {}, `${count(runs.length, "load test")} of one replica, stored in the repository`),
      scrolling("Load tests", el("table", {}, el("thead", {}, el("tr", {}, ["Model", "Device", "Tokens"].map((name) => el("th", { scope: "col" }, name)),
        ["At once", "Requests/s", "First token, median", "Between tokens, median"].map((name) => el("th", { scope: "col", class: "number" }, name)))), body)), rest);
  }

  function draw() {
    const all = models();
    section.hidden = !all.length;
    if (!all.length) return;
    const body = el("tbody", {});
    const rest = paged(all, row, body, 40);
    section.replaceChildren(el("h2", { id: "latency-title" }, "Latency"),
      el("p", { class: "lead" }, "Models with objectives, at the load in their objectives. Estimates are ranges that contain four of five measurements; your own load tests correct and narrow them."),
      ...METRICS.map(([key, title]) => chart(all, key, title)).filter(Boolean),
      el("div", { class: "panel" }, scrolling("Objectives of models", el("table", {}, el("thead", {}, el("tr", {}, ["Model", "Verdict", ...METRICS.map(([, title]) => title)].map((name) => el("th", { scope: "col" }, name)),
        el("th", { scope: "col", class: "number" }, "A million tokens"))), body)), rest, tests(all)));
  }
  onDraw(draw);
})();
