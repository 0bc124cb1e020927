"use strict";
// Bars, by ECharts. Each chart has a table with the same figures beside it, for those who cannot see it.
(() => {
  const { el, colour } = window.page;
  const live = new Set();
  const ROW = 30;

  const escape = (text) => String(text).replace(/[{}|]/g, " ");

  /**
   * Return horizontal bars.
   * @param label What the chart shows, for a screen reader.
   * @param rows Names, first on top.
   * @param series Name, name of a colour and one value per row each; stacked.
   * @param tip From the number of a row to the lines of its tooltip.
   * @param unit From a value of the axis to its text.
   */
  window.page.bars = (label, rows, series, tip, unit) => {
    const box = el("div", { class: "chart", role: "img", "aria-label": label });
    box.style.height = `${rows.length * ROW + 44}px`;
    const option = () => {
      const narrow = box.clientWidth < 560;
      const room = narrow ? 104 : 230;
      const faint = { color: colour("soft"), fontSize: 12 };
      return {
        animation: false,
        textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
        grid: { left: room + 12, right: narrow ? 12 : 24, top: 6, bottom: 30 },
        xAxis: { type: "value", splitNumber: narrow ? 3 : 6, axisLabel: { ...faint, formatter: unit, hideOverlap: true }, splitLine: { lineStyle: { color: colour("line") } } },
        yAxis: { type: "category", data: rows, inverse: true, axisTick: { show: false }, axisLine: { show: false },
          axisLabel: { color: colour("text"), fontSize: 12.5, width: room, overflow: "truncate", interval: 0 } },
        tooltip: { trigger: "axis", axisPointer: { type: "none" }, renderMode: "richText", confine: true,
          backgroundColor: colour("surface"), borderColor: colour("line-strong"), textStyle: { color: colour("text"), fontSize: 12.5 },
          formatter: (points) => tip(points[0].dataIndex).map(escape).join("\n") },
        series: series.map(({ name, shade, values, faded }) => ({ type: "bar", name, stack: "all", barWidth: 16, data: values,
          itemStyle: { color: colour(shade), opacity: faded ? 0.4 : 1 }, emphasis: { disabled: true } })),
      };
    };
    const drawn = { box, chart: null, option };
    live.add(drawn);
    return box;
  };

  window.page.legend = (series) => el("ul", { class: "legend" }, series.map(({ name, shade, faded }) => {
    const mark = el("i", {});
    mark.style.background = `var(--${shade})`;
    if (faded) mark.style.opacity = "0.4";
    return el("li", {}, mark, name);
  }));

  /** Draw the charts that are on the page, and forget the others. */
  window.page.paintCharts = () => {
    for (const drawn of live) {
      if (!drawn.box.isConnected) {
        drawn.chart?.dispose();
        live.delete(drawn);
        continue;
      }
      drawn.chart ??= window.echarts.init(drawn.box, null, { renderer: "canvas" });
      drawn.chart.resize();
      drawn.chart.setOption(drawn.option(), true);
    }
  };
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(window.page.paintCharts, 120);
  });
})();
