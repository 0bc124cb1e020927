"use strict";
// The report of one load test: figures, a curve for each time, and a table with the same percentiles.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const TITLES = { ttft: "Time to the first token", "inter-token": "Time between tokens", latency: "Time of a request" };
  const root = document.documentElement;
  root.dataset.theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

  function el(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children.flat(9).filter((each) => each !== "" && each !== null).map((each) => (each instanceof Node ? each : String(each))));
    return made;
  }
  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const ms = (seconds) => { const value = seconds * 1000; return value === 0 ? "0" : value >= 10000 ? `${(value / 1000).toFixed(1)} s` : value >= 100 ? `${value.toFixed(0)} ms` : `${value.toFixed(1)} ms`; };
  const number = (value) => value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 2 : 0 });
  const title = (metric) => TITLES[metric] + (metric === "inter-token" && data["inter-token-of"] === "requests" ? ", mean of each request" : "");
  const asked = (metric) => data.objectives.filter((each) => each.metric === metric);

  const tile = (value, words, shade) => el("li", { class: `tile${shade ? ` ${shade}` : ""}` }, el("b", {}, value), el("span", {}, words));
  const verdict = (each) => (each.met === null ? ["gap", "not checked"] : each.met ? ["good", "met"] : ["error", "missed"]);

  const drawn = [];
  function curve(metric) {
    const values = data.curves[metric];
    const box = el("div", { class: "chart", role: "img", "aria-label": `${title(metric)}: the share of samples that took no longer; the table below has the percentiles` });
    box.style.height = "260px";
    const option = () => {
      const faint = { color: colour("soft"), fontSize: 12 };
      const line = (each) => ({ xAxis: each.seconds, lineStyle: { color: colour(each.met ? "good" : "error"), type: "dashed", width: 1.5 },
        label: { formatter: `P${each.percentile} at most ${ms(each.seconds)}`, color: colour("text"), fontSize: 12, position: "end" } });
      // Seconds are rounded to hundredths without a precision. The last thousandth would press the rest of the curve against the axis.
      const ends = [values[values.length - 2] * 1.05, ...asked(metric).map((each) => each.seconds * 1.1)];
      return {
        animation: false,
        textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
        grid: { left: 52, right: 24, top: 28, bottom: 32 },
        xAxis: { type: "value", min: 0, max: Math.max(...ends), splitNumber: 6, axisLabel: { ...faint, formatter: ms, hideOverlap: true, showMaxLabel: false }, splitLine: { lineStyle: { color: colour("line") } } },
        yAxis: { type: "value", min: 0, max: 1, axisLabel: { ...faint, formatter: (value) => `${Math.round(value * 100)} %` }, splitLine: { lineStyle: { color: colour("line") } } },
        tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colour("surface"), borderColor: colour("line-strong"), textStyle: { color: colour("text"), fontSize: 12.5 },
          formatter: ([point]) => `${(point.value[1] * 100).toFixed(1).replace(/\.0$/, "")} % within ${ms(point.value[0])}` },
        series: [{ type: "line", showSymbol: false, data: values.map((value, index) => [value, data.shares[index]]),
          lineStyle: { color: colour("accent"), width: 2 }, areaStyle: { color: colour("accent"), opacity: 0.08 }, emphasis: { disabled: true },
          markLine: { symbol: "none", silent: true, precision: 6, data: asked(metric).map(line) } }],
      };
    };
    drawn.push({ box, option, chart: null });
    return el("div", { class: "panel" }, el("h3", {}, title(metric)), box);
  }

  const metrics = Object.keys(data.seconds);
  const total = data.requests + data.failed;
  const gaps = [];
  if (data["clients-expected"] !== null && data.clients < data["clients-expected"]) gaps.push(`${data["clients-expected"] - data.clients} of ${data["clients-expected"]} clients gave no result: the load was smaller than asked for`);
  for (const file of data.truncated) gaps.push(`${file} is cut off; its whole lines are counted`);
  for (const { file, reason } of data["left-out"]) gaps.push(`${file}: ${reason}`);

  const objectives = data.objectives.map((each) => {
    const [shade, word] = verdict(each);
    return el("tr", {}, el("th", { scope: "row" }, `${title(each.metric)}, P${each.percentile}`), el("td", { class: "number" }, ms(each.seconds)),
      el("td", { class: "number" }, each.measured === null ? "" : ms(each.measured)), el("td", {}, el("span", { class: `badge ${shade}` }, word)));
  });
  const header = (names) => el("thead", {}, el("tr", {}, names.map((name, index) => el("th", { scope: "col", ...(index ? { class: "number" } : {}) }, name))));

  document.getElementById("main").append(
    el("section", {}, el("h1", {}, data.model ? `Load test of ${data.model}` : "Load test"),
      el("p", { class: "lead" }, `${data.tool}, ${data.clients}${data["clients-expected"] === null ? "" : ` of ${data["clients-expected"]}`} ${data.clients === 1 ? "client" : "clients"}. Percentiles are of all samples together.`),
      el("ul", { class: "tiles" }, tile(number(data["requests-per-second"]), "requests a second"),
        data["output-tokens-per-second"] === null ? "" : tile(number(data["output-tokens-per-second"]), "output tokens a second"),
        tile(number(total), "requests"), tile(`${(data["error-ratio"] * 100).toFixed(2)} %`, "failed", data.failed ? "error" : "")),
      gaps.length ? el("div", { class: "notice" }, el("b", {}, "Not checked"), gaps.map((each) => el("p", {}, each))) : ""),
    data.objectives.length ? el("section", {}, el("h2", {}, "Objectives"), el("div", { class: "panel" }, el("table", {}, header(["Percentile", "At most", "Measured", ""]), el("tbody", {}, objectives)))) : "",
    el("section", {}, el("h2", {}, "Times"), el("p", { class: "lead" }, "The share of samples that took no longer. Dashed: what is asked for."), metrics.map(curve)),
    el("section", {}, el("h2", {}, "Percentiles"), el("div", { class: "panel" }, el("table", {}, header(["Time", "Samples", "P50", "P95", "P99"]),
      el("tbody", {}, metrics.map((metric) => el("tr", {}, el("th", { scope: "row" }, title(metric)), el("td", { class: "number" }, number(data.seconds[metric].samples)),
        ["p50", "p95", "p99"].map((name) => el("td", { class: "number" }, ms(data.seconds[metric][name]))))))))),
  );
  const paint = () => drawn.forEach((each) => {
    each.chart ??= window.echarts.init(each.box, null, { renderer: "canvas" });
    each.chart.resize();
    each.chart.setOption(each.option(), true);
  });
  paint();
  window.addEventListener("resize", paint);
})();
