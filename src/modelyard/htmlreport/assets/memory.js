"use strict";
// Memory of a rank on each device that the pods of a model can land on.
(() => {
  const { el, fill, environments, several, scrolling, count, onDraw, bars, legend, paintCharts } = window.page;
  const PARTS = [["weights", "weights"], ["draft", "draft model"], ["activation", "activation"], ["graphs", "CUDA graphs"],
    ["adapters", "LoRA adapters"], ["other", "other"], ["KV", "KV cache"]];
  const BADGES = { fits: "good", tight: "warning", "does not fit": "error", unsure: "gap", "not checked": "gap" };
  const ORDER = ["does not fit", "unsure", "tight", "fits"];
  const PAGE = 24;
  let first = 0, wanted = "";

  const rowsOf = () => environments().flatMap((environment) => (environment.memory || []).flatMap((model) =>
    model.devices.map((device) => ({ model, device, name: several() ? `${environment.name}/${model.name}` : model.name }))))
    .sort((one, other) => ORDER.indexOf(one.device.verdict) - ORDER.indexOf(other.device.verdict));

  const gib = (value) => `${value.toFixed(1)} GiB`;
  const tip = (row) => [`${row.name} on ${row.device.device}: ${row.device.verdict}`,
    ...PARTS.filter(([key]) => row.device.parts[key]).map(([key, name]) => `${name}  ${gib(row.device.parts[key])}`),
    `device  ${gib(row.device.total)}, the engine may use ${gib(row.device.requested)}`];

  function table(rows) {
    const used = PARTS.filter(([key]) => rows.some((row) => row.device.parts[key]));
    return scrolling("Memory per rank, as a table", el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Model"), el("th", { scope: "col" }, "Device"), el("th", { scope: "col" }, "Verdict"),
        used.map(([, name]) => el("th", { scope: "col", class: "number" }, `${name}, GiB`)), el("th", { scope: "col", class: "number" }, "of, GiB"))),
      el("tbody", {}, rows.map(({ name, model, device }) => el("tr", {},
        el("th", { scope: "row" }, name, el("span", { class: "sub" }, `${model.model} · ${model.engine}`)),
        el("td", {}, device.device, el("span", { class: "sub" }, device.types.slice(0, 3).join(", "))),
        el("td", {}, el("span", { class: `badge ${BADGES[device.verdict]}` }, device.verdict), el("span", { class: "sub" }, device.reasons[0] || device.basis),
          device.changes.length ? el("span", { class: "sub" }, `Fix: ${device.changes.join(", or ")}`) : ""),
        used.map(([key]) => el("td", { class: "number" }, (device.parts[key] || 0).toFixed(1))),
        el("td", { class: "number" }, device.requested.toFixed(1)))))));
  }

  const results = el("div", {});

  function list(all) {
    const rows = all.filter((row) => `${row.name} ${row.model.model} ${row.device.device}`.toLowerCase().includes(wanted));
    if (first >= rows.length) first = 0;
    const shown = rows.slice(first, first + PAGE);
    if (!shown.length) { results.replaceChildren(el("p", { class: "empty" }, "No model matches.")); return; }
    const series = PARTS.filter(([key]) => shown.some((row) => row.device.parts[key]))
      .map(([key, name]) => ({ name, shade: key, values: shown.map((row) => Math.max(0, row.device.parts[key] || 0)) }));
    const used = shown.map((_, index) => series.reduce((total, each) => total + each.values[index], 0));
    series.push({ name: "not used by the engine", shade: "left", values: shown.map((row, index) => Math.max(0, row.device.total - used[index])) });
    const names = shown.map((row) => `${row.device.verdict === "fits" ? "" : row.device.verdict === "does not fit" ? "✗ " : "! "}${row.name} · ${row.device.device}`);
    const chart = bars(`Memory per rank of ${count(shown.length, "model and device pair")}, in GiB; the table below has the same figures`,
      names, series, (index) => tip(shown[index]), (value) => `${value} GiB`);
    const turn = (step) => el("button", { type: "button", class: "quiet", disabled: step < 0 ? first === 0 : first + PAGE >= rows.length,
      click: () => { first += step; list(all); paintCharts(); } }, step < 0 ? "Previous" : "Next");
    results.replaceChildren(el("div", { class: "panel" }, legend(series), chart,
      rows.length > PAGE ? el("p", { class: "more" }, turn(-PAGE), turn(PAGE), el("span", {}, `${first + 1} to ${first + shown.length} of ${rows.length}, worst fit first`)) : "",
      el("details", {}, el("summary", {}, "The same as a table, with reasons and changes that would make it fit"), table(shown))));
  }

  function draw() {
    const all = rowsOf();
    const gaps = environments().flatMap((each) => each.memory || []).filter((model) => model.gap);
    fill("memory", "Memory per rank",
      "Memory of one GPU or NeuronCore, for every device that the pods can land on. Estimated, unless a start-up log was measured.",
      all.length > 12 ? el("div", { class: "filters" }, el("input", { type: "search", placeholder: "Search models and devices", "aria-label": "Search memory", value: wanted,
        input: (event) => { wanted = event.target.value.toLowerCase(); first = 0; list(all); paintCharts(); } })) : "",
      all.length ? results : el("p", { class: "empty" }, "No model has a memory budget here."),
      gaps.length ? el("details", { class: "notice" }, el("summary", {}, `${count(gaps.length, "model")} not checked`),
        gaps.map((model) => el("p", {}, `${model.name}: ${model.gap}${model.fix ? ` (${model.fix})` : ""}`))) : "");
    if (all.length) list(all);
  }
  onDraw(draw);
})();
