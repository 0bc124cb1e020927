"use strict";
// The tree of Applications by sync wave.
(() => {
  const { data, el, fill, environments, several, concerned, count, onDraw } = window.page;
  const RANK = ["error", "gap", "warning"];

  function draw() {
    const worst = new Map();
    const mark = (entry, kind) => {
      for (const application of entry.applications || [entry.application]) {
        const key = `${entry.environment}/${application}`;
        if (application && RANK.includes(kind) && (!worst.has(key) || RANK.indexOf(kind) < RANK.indexOf(worst.get(key)))) worst.set(key, kind);
      }
    };
    concerned(data.findings).forEach((finding) => mark(finding, finding.severity));
    concerned(data["not-checked"]).filter((gap) => !gap.accepted).forEach((gap) => mark(gap, "gap"));
    const words = { error: "has errors", gap: "not fully checked", warning: "has warnings" };

    const app = (environment, each) => {
      const kind = worst.get(`${environment.name}/${each.name}`) || "";
      return el("li", {}, el("button", { type: "button", class: `app ${kind} ${each["is-model"] ? "model" : ""}`,
        title: [each.target || each.unrendered, `namespace ${each.namespace || "none"}`].filter(Boolean).join(" · "), click: () => window.page.searchFindings(each.name) },
        each.name, el("small", {}, [each["is-model"] ? "model" : "", words[kind] || ""].filter(Boolean).join(", "))));
    };
    fill("waves", "Applications by sync wave", "Argo CD syncs waves from the lowest to the highest. Select an Application to show its findings.",
      environments().filter((each) => each.waves).map((environment) => el("div", { class: "panel" }, several() ? el("h3", {}, environment.name) : "",
        el("ol", { class: "lanes" }, environment.waves.map((lane) => {
          const shown = lane.applications.slice(0, 60);
          return el("li", { class: "lane" }, el("h3", {}, `Wave ${lane.wave}`),
            el("ul", { class: "apps" }, shown.map((each) => app(environment, each)), lane.applications.length > 60 ? el("li", {}, `and ${count(lane.applications.length - 60, "other")}`) : ""));
        })))));
  }
  onDraw(draw);
})();
