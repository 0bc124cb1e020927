"use strict";
// The tree of Applications by sync wave.
(() => {
  const { data, el, fill, environments, concerned, count, paged, panels, onDraw } = window.page;
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
    const words = { error: "with errors", gap: "not fully checked", warning: "with warnings" };

    const app = (environment, each) => {
      const kind = worst.get(`${environment.name}/${each.name}`) || "";
      return el("li", {}, el("button", { type: "button", class: `app ${kind} ${each["is-model"] ? "model" : ""}`,
        title: [each.target || each.unrendered, `namespace ${each.namespace || "none"}`].filter(Boolean).join(" · "), click: () => window.page.searchFindings(each.name) },
        each.name, el("small", {}, [each["is-model"] ? "model" : "", words[kind] || ""].filter(Boolean).join(", "))));
    };
    const told = ({ name, waves }) => {
      const applications = waves.flatMap((lane) => lane.applications);
      const marked = RANK.map((kind) => [applications.filter((each) => worst.get(`${name}/${each.name}`) === kind).length, kind]).filter(([number]) => number);
      return [`${count(applications.length, "Application")} in ${count(waves.length, "wave")}`, ...marked.map(([number, kind]) => `${number} ${words[kind]}`)].join(" · ");
    };
    fill("waves", "Applications by sync wave", "Argo CD syncs waves from the lowest to the highest. Select an Application to show its findings.",
      panels(environments().filter((each) => each.waves), told, (environment) => el("ol", { class: "lanes" }, environment.waves.map((lane) => {
        const applications = el("ul", { class: "apps" });
        const rest = paged(lane.applications, (each) => app(environment, each), applications, 60);
        return el("li", { class: "lane" }, el("h3", {}, `Wave ${lane.wave}`), el("div", {}, applications, rest));
      }))));
  }
  onDraw(draw);
})();
