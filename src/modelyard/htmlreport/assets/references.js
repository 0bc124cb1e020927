"use strict";
// References between objects, by Cytoscape: one object with its neighbourhood, or everything where that can be drawn.
(() => {
  const { el, fill, environments, several, colour, count, onDraw } = window.page;
  const MOST_DRAWN = 400;
  const LISTED = 60;
  let chosen = null, depth = 1, drawing = null;

  const sources = () => environments().filter((each) => each.references?.objects.length);
  const nameOf = ([kind, namespace, name]) => `${kind} ${namespace ? `${namespace}/` : ""}${name}`;
  const current = () => sources().find((each) => each.name === chosen?.environment) || sources()[0];

  function index(environment) {
    if (environment.around) return environment.around;
    const around = { out: new Map(), into: new Map(), byName: new Map() };
    const { objects, edges } = environment.references;
    const push = (map, key, edge) => (map.get(key) || map.set(key, []).get(key)).push(edge);
    for (const edge of edges) { push(around.out, edge[0], edge); push(around.into, edge[2], edge); }
    objects.forEach((object, number) => around.byName.set(nameOf(object), number));
    environment.around = around;
    return around;
  }

  /** Begin with a model's workload, the thing that people look for; else with the object that has most to say. */
  function beginning(environment) {
    const { out } = index(environment);
    const models = new Set((environment.memory || []).map((model) => model.name));
    const best = (numbers) => numbers.sort((one, other) => (out.get(other)?.length || 0) - (out.get(one)?.length || 0))[0];
    const all = [...environment.references.objects.keys()];
    return best(all.filter((each) => models.has(environment.references.objects[each][2]))) ?? best(all) ?? 0;
  }

  function neighbourhood(environment, number) {
    const { out, into } = index(environment);
    const columns = new Map([[number, 0]]), edges = new Set();
    for (const [map, end, step] of [[out, 2, 1], [into, 0, -1]]) {
      let frontier = [number];
      for (let level = 1; level <= depth; level += 1) {
        const next = [];
        for (const node of frontier) for (const edge of map.get(node) || []) {
          if (columns.size > MOST_DRAWN) break;
          edges.add(edge);
          if (!columns.has(edge[end])) { columns.set(edge[end], level * step); next.push(edge[end]); }
        }
        frontier = next;
      }
    }
    return { columns, edges: [...edges] };
  }

  const short = (text) => (text.length > 34 ? `${text.slice(0, 33)}…` : text);

  function paint(environment, host) {
    drawing?.destroy();
    const { objects, edges, states } = environment.references;
    const everything = depth === 0;
    const found = everything ? { columns: new Map(objects.map((_, number) => [number, 0])), edges } : neighbourhood(environment, chosen.number);
    const rows = new Map(), height = new Map();
    for (const column of found.columns.values()) height.set(column, (height.get(column) || 0) + 1);
    const elements = [...found.columns].map(([number, column]) => {
      const row = rows.get(column) || 0;
      rows.set(column, row + 1);
      const [kind, , name] = objects[number];
      return { data: { id: `n${number}`, number, label: `${kind}\n${short(name)}`, centre: number === chosen.number ? 1 : 0 },
        position: { x: column * 340, y: (row - (height.get(column) - 1) / 2) * 62 } };
    });
    const seen = new Set();
    for (const [source, relation, target, state] of found.edges) {
      const id = `e${source}-${target}-${relation}`;
      if (!seen.has(id)) elements.push({ data: { id, source: `n${source}`, target: `n${target}`, label: relation, state: states[state] } });
      seen.add(id);
    }
    const font = getComputedStyle(document.body).fontFamily;
    drawing = window.cytoscape({
      container: host, elements, minZoom: 0.1, maxZoom: 2.5,
      layout: everything ? { name: "cose", animate: false, randomize: true, nodeRepulsion: () => 60000, idealEdgeLength: () => 110, padding: 20 } : { name: "preset", padding: 24 },
      style: [
        { selector: "node", style: { shape: "round-rectangle", width: 210, height: 42, "background-color": colour("sunken"), "border-width": 1, "border-color": colour("line-strong"),
          label: "data(label)", "text-wrap": "wrap", "text-valign": "center", color: colour("text"), "font-size": 12, "font-family": font, "line-height": 1.25 } },
        { selector: "node[centre = 1]", style: { "background-color": colour("accent-soft"), "border-color": colour("accent"), "border-width": 2 } },
        { selector: "edge", style: { width: 1.2, "curve-style": "bezier", "line-color": colour("line-strong"), "target-arrow-shape": "triangle", "target-arrow-color": colour("line-strong"), "arrow-scale": 0.8,
          label: everything ? "" : "data(label)", "font-size": 10, "font-family": font, color: colour("soft"), "text-background-color": colour("surface"), "text-background-opacity": 1, "text-background-padding": 2, "min-zoomed-font-size": 7 } },
        { selector: "edge[state = 'dangling'], edge[state = 'ambiguous']", style: { "line-color": colour("error"), "target-arrow-color": colour("error"), width: 2 } },
        { selector: "edge[state = 'unknown'], edge[state = 'shadowed']", style: { "line-style": "dashed", "line-color": colour("gap"), "target-arrow-color": colour("gap") } },
      ],
    });
    drawing.on("tap", "node", (event) => { chosen = { environment: environment.name, number: event.target.data("number") }; draw(); });
    drawing.fit(undefined, 24);
    if (drawing.zoom() > 1.15) { drawing.zoom(1.15); drawing.center(); }
    if (!everything && drawing.zoom() < 0.45) { drawing.zoom(0.7); drawing.center(drawing.getElementById(`n${chosen.number}`)); }
  }

  function neighbours(environment) {
    const { out, into } = index(environment);
    const { objects, states } = environment.references;
    const lines = (title, found, end) => {
      const seen = new Map();
      for (const edge of found) seen.set(`${edge[1]} ${edge[end]}`, edge);
      const all = [...seen.values()];
      return all.length ? [el("h3", {}, `${title} (${all.length})`), el("ul", {}, all.slice(0, LISTED).map((edge) => el("li", {},
        `${edge[1]} `, el("button", { type: "button", class: "link", click: () => { chosen = { environment: environment.name, number: edge[end] }; draw(); document.getElementById("object").focus({ preventScroll: true }); } }, nameOf(objects[edge[end]])),
        states[edge[3]] === "resolved" ? "" : [" ", el("span", { class: `badge ${states[edge[3]] === "unknown" || states[edge[3]] === "shadowed" ? "gap" : "error"}` }, states[edge[3]]), el("span", { class: "sub" }, edge[4])],
        edge[5] ? el("code", { class: "sub" }, edge[5]) : "")), all.length > LISTED ? el("li", {}, `and ${all.length - LISTED} more`) : "")] : [];
    };
    return el("div", { class: "panel neighbours", tabindex: "0", role: "region", "aria-label": "Neighbours of the object" },
      el("h3", {}, nameOf(objects[chosen.number])), lines("References", out.get(chosen.number) || [], 2), lines("Referred to by", into.get(chosen.number) || [], 0));
  }

  let host = null, waiting = null;
  function draw() {
    const environment = current();
    if (!environment) { fill("references", "References", "", el("p", { class: "empty" }, "No references between objects.")); return; }
    if (chosen?.environment !== environment.name) chosen = { environment: environment.name, number: beginning(environment) };
    const { byName } = index(environment);
    const { objects, edges } = environment.references;
    if (depth === 0 && objects.length > MOST_DRAWN) depth = 1;
    const names = el("datalist", { id: "objects" });
    const suggest = (text) => {
      const wanted = text.toLowerCase();
      const near = [];
      for (const name of byName.keys()) if (name.toLowerCase().includes(wanted) && near.push(name) === 40) break;
      names.replaceChildren(...near.map((name) => el("option", { value: name })));
    };
    const choose = (text) => {
      const exact = byName.get(text) ?? [...byName].find(([name]) => name.toLowerCase().includes(text.toLowerCase()))?.[1];
      if (exact !== undefined && text) { chosen = { environment: environment.name, number: exact }; draw(); }
    };
    host = el("div", { id: "canvas", role: "img", "aria-label": `References of ${nameOf(objects[chosen.number])}; the list beside it has the same` });
    const zoom = (factor, label, text) => el("button", { type: "button", class: "quiet", "aria-label": label, click: () => drawing?.zoom({ level: drawing.zoom() * factor, renderedPosition: { x: host.clientWidth / 2, y: host.clientHeight / 2 } }) }, text);
    fill("references", "References", `${count(objects.length, "object")}, ${count(edges.length, "reference")}: selectors, mounts, claims, roles and pools. Dashed: unknown or optional; red: the target does not exist.`,
      el("div", { class: "lookup" },
        several() ? el("select", { "aria-label": "Environment of the graph", change: (event) => { chosen = { environment: event.target.value, number: -1 }; chosen.number = beginning(current()); draw(); } },
          sources().map((each) => el("option", { value: each.name, selected: each === environment }, each.name))) : "",
        el("input", { id: "object", type: "text", list: "objects", autocomplete: "off", "aria-label": "Find an object", placeholder: "Find an object: Deployment, Secret, NodePool …",
          input: (event) => { suggest(event.target.value); if (byName.has(event.target.value)) choose(event.target.value); }, keydown: (event) => { if (event.key === "Enter") choose(event.target.value); } }), names,
        el("select", { "aria-label": "How much is drawn", change: (event) => { depth = Number(event.target.value); draw(); } },
          [[1, "direct neighbours"], [2, "two steps"], ...(objects.length <= MOST_DRAWN ? [[0, "everything"]] : [])].map(([value, text]) => el("option", { value, selected: value === depth }, text))),
        zoom(1.3, "Zoom in", "+"), zoom(1 / 1.3, "Zoom out", "−"), el("button", { type: "button", class: "quiet", click: () => drawing?.fit(undefined, 24) }, "Fit")),
      el("div", { class: "graph" }, host, neighbours(environment)));
    // Laying out takes time that nobody should wait for who does not look: it is drawn when it comes into sight.
    waiting?.disconnect();
    waiting = new IntersectionObserver((seen) => {
      if (seen.some((each) => each.isIntersecting)) { waiting.disconnect(); paint(environment, host); }
    }, { rootMargin: "200px" });
    waiting.observe(host);
  }
  onDraw(draw);
})();
