// Filters for the table of "Which overlay, on what, for how much". The page is whole without them.
(() => {
  const place = document.getElementById("choose");
  const table = [...document.querySelectorAll("article table")].find(
    (each) => each.tHead && each.tHead.rows[0].cells[0].textContent.trim() === "overlay",
  );
  if (!place || !table) return;

  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows].map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
    cells: Object.fromEntries(heads.map((head, index) => [head, element.cells[index].textContent.trim()])),
  }));
  const number = (text) => Number(text.split(" to ")[0].replaceAll(",", "")) || null;
  const device = (text) => (/GPU|Neuron|CPU/.exec(text) || [""])[0];
  const devicesOf = (row) => row.cells["fits on"].replace(/^unsure: /, "").split(", ");

  const controls = [];
  const add = (label, control, keeps) => {
    const holder = document.createElement("label");
    holder.append(label, control);
    place.append(holder);
    controls.push({ control, keeps });
    control.addEventListener("input", show);
  };
  const select = (choices) => {
    const control = document.createElement("select");
    control.append(new Option("any", ""), ...[...new Set(choices)].sort().map((each) => new Option(each, each)));
    return control;
  };
  const input = (type, placeholder) => Object.assign(document.createElement("input"), { type, placeholder, min: "0" });

  const count = document.createElement("p");
  count.setAttribute("role", "status");
  function show() {
    let shown = 0;
    for (const row of rows) {
      const kept = controls.every(({ control, keeps }) => !control.value || keeps(row, control.value));
      row.element.hidden = !kept;
      shown += kept;
    }
    count.textContent = `${shown} of ${rows.length} overlays`;
  }

  add("I need to", select(rows.map((row) => row.cells.task)), (row, value) => row.cells.task === value);
  add("I have", select(rows.map((row) => device(row.cells.devices))), (row, value) => device(row.cells.devices) === value);
  add(
    "on",
    select(rows.flatMap(devicesOf).filter((each) => each && each !== "not modelled")),
    (row, value) => devicesOf(row).includes(value),
  );
  add("for at most, USD/month", input("number", "1000"), (row, value) => {
    const cost = number(row.cells["USD/month"]);
    return cost !== null && cost <= Number(value);
  });
  add("with requests of at least, tokens", input("number", "16384"), (row, value) => {
    const length = number(row.cells["longest request"]);
    return length !== null && length >= Number(value);
  });
  add("named", input("search", "qwen"), (row, value) => row.text.includes(value.toLowerCase()));
  place.append(count);
  place.hidden = false;
  show();
})();
