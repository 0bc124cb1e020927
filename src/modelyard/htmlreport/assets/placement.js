"use strict";
// Pools by workloads: who takes the pods, on what, for how much, or why not.
(() => {
  const { el, fill, environments, count, paged, panels, scrolling, onDraw } = window.page;
  const filter = { text: "", kind: "models" };

  function cell(said) {
    if (!said) return el("td", { class: "cell no" }, "–");
    if (!said.accepts) {
      return el("td", { class: "cell no" }, el("details", {}, el("summary", {}, "cannot run"), said.reasons.map((each) => el("p", {}, each))));
    }
    const price = typeof said.price === "number" ? `$${said.price.toFixed(2)}/h` : said.nodes ? `at most ${said.nodes} nodes` : "price not known";
    return el("td", { class: "cell yes" }, el("b", {}, `✓ ${said.type}`),
      el("span", { class: "sub" }, [price, said.others ? `${said.others} more types` : ""].filter(Boolean).join(" · ")));
  }

  function row(entry, columns) {
    const verdict = entry.unknown ? el("span", { class: "badge gap" }, "not checked") : entry.refused ? el("span", { class: "badge error" }, "no node can run it") : "";
    return el("tr", {},
      el("th", { scope: "row" }, `${entry.name} `, verdict, el("span", { class: "sub" }, [entry.kind, entry.pods].filter(Boolean).join(" · ")),
        el("span", { class: "sub" }, entry.requests || "no requests"), entry.unknown ? el("span", { class: "sub" }, entry.unknown) : ""),
      columns.map(([group, name]) => (entry.kind === "DaemonSet" && !group
        ? el("td", { class: entry.daemon.includes(name) ? "cell yes" : "cell no" }, entry.daemon.includes(name) ? "✓ each node" : "–")
        : cell((group ? entry.groups : entry.pools)[name]))));
  }

  const chosen = ({ placement }) => placement.rows.filter((each) => (filter.kind === "all" || (filter.kind === "models" ? each["is-model"] : each.refused || each.unknown))
    && `${each.name} ${each.application}`.toLowerCase().includes(filter.text));

  function map(environment) {
    const { pools, groups, gaps } = environment.placement;
    const columns = [...pools.map((name) => [false, name]), ...groups.map((name) => [true, name])];
    const rows = chosen(environment);
    const body = el("tbody", {});
    const rest = paged(rows, (entry) => row(entry, columns), body, 40);
    return [rows.length ? scrolling(`Placement in ${environment.name}`, el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Workload"),
        columns.map(([group, name]) => el("th", { scope: "col" }, name, el("span", { class: "sub" }, group ? "managed group" : "node pool"))))), body))
      : el("p", { class: "empty" }, "No workload matches."),
    rest, gaps.length ? el("p", { class: "notice" }, `Not checked: ${gaps.map((gap) => `${gap.subject} (${gap.reason})`).join("; ")}`) : ""];
  }

  /** What a closed environment says: how many there are, and how many of them no node can run. */
  function tell(environment) {
    const rows = chosen(environment);
    const stuck = rows.filter((each) => each.refused).length;
    const unknown = rows.filter((each) => each.unknown).length;
    return [count(rows.length, "workload"), stuck ? `${stuck} without a node` : "", unknown ? `${unknown} not checked` : ""].filter(Boolean).join(" · ");
  }

  const results = el("div", {});
  function list() {
    const placed = environments().filter((each) => each.placement);
    const found = filter.text ? placed.filter((each) => chosen(each).length) : placed;
    results.replaceChildren(...(found.length || !filter.text ? panels(found, tell, map) : [el("p", { class: "empty" }, "No workload matches.")]));
  }

  function draw() {
    const chip = (kind, title) => el("button", { type: "button", class: "chip", "aria-pressed": String(filter.kind === kind),
      click: () => { filter.kind = kind; draw(); document.querySelector("#placement [aria-pressed=true]").focus(); } }, title);
    const any = environments().some((each) => each.placement?.rows.some((row) => row["is-model"]));
    if (!any && filter.kind === "models") filter.kind = "all";
    fill("placement", "Placement", "Which nodes can run the pods. Pools are in Karpenter's order, each with its cheapest instance type, or the reason why it cannot run the pods.",
      el("div", { class: "filters" }, el("input", { type: "search", placeholder: "Search workloads", "aria-label": "Search placement", value: filter.text,
        input: (event) => { filter.text = event.target.value.toLowerCase(); list(); } }), chip("models", "Models"), chip("all", "All workloads"), chip("stuck", "Without a node")),
      results);
    list();
  }
  onDraw(draw);
})();
