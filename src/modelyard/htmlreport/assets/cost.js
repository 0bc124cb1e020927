"use strict";
// Cost a month, from the least to full scale.
(() => {
  const { el, fill, environments, several, closed, paged, scrolling, money, onDraw, bars, legend, paintCharts } = window.page;
  const MOST = 20;

  function chart(title, rows) {
    const sorted = [...rows].sort((one, other) => other.ceiling[1] - one.ceiling[1]);
    const priced = sorted.filter((row) => row.ceiling[1] > 0);
    if (!priced.length) return "";
    let shown = priced.slice(0, MOST);
    const rest = priced.slice(MOST);
    if (rest.length) {
      const total = (scale, end) => rest.reduce((sum, row) => sum + row[scale][end], 0);
      shown = [...shown, { name: `${rest.length} others`, quantity: "", floor: [total("floor", 0)], ceiling: [0, total("ceiling", 1)] }];
    }
    const series = [
      { name: "minimum scale", shade: "accent", values: shown.map((row) => row.floor[0]) },
      { name: "additional at full scale", shade: "accent", faded: true, values: shown.map((row) => Math.max(0, row.ceiling[1] - row.floor[0])) },
    ];
    return el("div", { class: "panel" }, el("h3", {}, title), legend(series),
      bars(`${title}: USD per month from minimum to full scale; the table below has the same figures`, shown.map((row) => row.name), series,
        (index) => [shown[index].name, shown[index].quantity, `${money(shown[index].floor[0])} to ${money(shown[index].ceiling[1])} a month`].filter(Boolean), money));
  }

  const scale = ([low, high]) => (low === high ? money(low) : `${money(low)} – ${money(high)}`);
  const row = (entry, tag) => el("tr", {}, el("th", { scope: "row" }, entry.name, entry.quantity ? el("span", { class: "sub" }, entry.quantity) : ""),
    ["floor", "ceiling", "rolling"].map((name) => el(tag || "td", { class: "number" }, entry.unknown.length && !entry[name][0] ? "not known" : `${entry.unknown.length ? "≥ " : ""}${scale(entry[name])}`)));

  /** Every row of an environment, drawn when it is opened. */
  function bill(environment) {
    const cost = environment.cost;
    return closed({}, several() ? `Every row of ${environment.name}` : "Every row, with the sources of the prices", () => [
      scrolling(`Cost of ${environment.name}`, el("table", {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, cost.region || "no region"), ["Floor", "Full scale", "While rolling"].map((name) => el("th", { scope: "col", class: "number" }, name)))),
        el("tbody", {}, [...cost.models, ...cost["other-pods"], ...cost.platform].map((each) => row(each))),
        el("tfoot", {}, row(cost.total)))),
      [...new Set([...Object.values(cost.sources), ...cost.platform.map((each) => each.source)])].map((source) => el("p", { class: "sub" }, source))]);
  }

  function runs(shown) {
    const all = shown.flatMap((environment) => environment.cost.runs.map((each) => ({ ...each, name: several() ? `${environment.name}/${each.name}` : each.name })));
    if (!all.length) return "";
    const most = (each) => (each.longest === null ? "" : `at most ${money(each.hour[1] * each.longest)} in ${each.longest} hours`);
    const body = el("tbody", {});
    const rest = paged(all, (each) => el("tr", {}, el("th", { scope: "row" }, each.name, el("span", { class: "sub" }, each.quantity)),
      el("td", { class: "number" }, scale(each.hour)), el("td", { class: "number" }, most(each))), body, 40);
    return el("div", { class: "panel" }, el("h3", {}, "Runs, not in the total"), scrolling("Cost of runs", el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Run"), ["Per hour", "A run"].map((name) => el("th", { scope: "col", class: "number" }, name)))), body)), rest);
  }

  function draw() {
    const shown = environments().filter((each) => each.cost);
    const named = (environment, each) => ({ ...each, name: several() ? `${environment.name}/${each.name}` : each.name });
    const all = (key) => shown.flatMap((environment) => environment.cost[key].map((each) => named(environment, each)));
    const missing = shown.flatMap((environment) => [...environment.cost.gaps.map((gap) => `${gap.subject}: ${gap.reason}`), ...environment.cost.total.unknown.map((name) => `${name}: no known price`)]);
    const gaps = el("div", {});
    const rest = paged(missing, (each) => el("p", {}, each), gaps, 40);
    fill("cost", "Cost per month", "On-demand list prices without taxes and discounts, 730 hours. Items without a known price are listed, and not counted as zero.",
      chart("Models and other pods", [...all("models"), ...all("other-pods")]), chart("Platform", all("platform")),
      runs(shown),
      missing.length ? el("details", { class: "notice", open: missing.length < 4 }, el("summary", {}, `Not counted: ${missing.length}`), gaps, rest) : "",
      shown.map(bill),
      shown.length ? el("p", { class: "sub" }, `Paid by use, not counted: ${shown[0].cost["paid-by-use"].join("; ")}.`) : el("p", { class: "empty" }, "No environment was checked."));
  }
  onDraw(draw);
})();
