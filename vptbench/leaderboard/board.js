// Sorting, filters, and plots that follow both. Without it the page shows everything, by place.
"use strict";
(() => {
  const table = document.getElementById("board");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const tools = document.getElementById("tools");
  const find = document.getElementById("find");
  const trained = document.getElementById("trained");
  const kinds = [...tools.querySelectorAll("input[name=kind]")];
  let sorted = { column: 0, way: 1 };

  const cell = (row, column) => {
    const { value } = row.cells[column].dataset;
    return value === undefined ? row.cells[column].textContent.toLowerCase() : value === "" ? null : Number(value);
  };

  const before = (a, b) => {
    const [x, y] = [cell(a, sorted.column), cell(b, sorted.column)];
    if (x === null || y === null) return (x === null) - (y === null) || rows.indexOf(a) - rows.indexOf(b);
    const order = x < y ? -1 : x > y ? 1 : 0;
    return sorted.way * order || rows.indexOf(a) - rows.indexOf(b);
  };

  const wanted = (row) => {
    const text = `${row.textContent} ${row.dataset.more}`.toLowerCase();
    return find.value.toLowerCase().split(/\s+/).every((word) => text.includes(word))
      && (!kinds.length || kinds.some((box) => box.checked && box.value === row.dataset.kind))
      && (!trained || trained.value === "*" || trained.value === `=${row.dataset.trained}`);
  };

  const draw = () => {
    const order = [...rows].sort(before);
    const shown = order.filter(wanted);
    body.append(...order);
    for (const row of rows) row.hidden = !shown.includes(row);
    heads.forEach((head, column) => {
      if (column === sorted.column) head.setAttribute("aria-sort", sorted.way > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    document.getElementById("count").textContent = `${shown.length} of ${rows.length} entries`;
    for (const plot of document.querySelectorAll("svg.plot")) place(plot, shown.map((row) => row.id.slice(5)));
  };

  const place = (plot, entries) => {
    const row = Number(plot.dataset.row);
    const [, , width] = plot.getAttribute("viewBox").split(" ");
    const top = Number(plot.dataset.top);
    plot.setAttribute("viewBox", `0 0 ${width} ${row * entries.length + Number(plot.dataset.rest)}`);
    for (const mark of plot.querySelectorAll(".mark")) {
      const index = entries.indexOf(mark.dataset.entry);
      mark.setAttribute("visibility", index < 0 ? "hidden" : "visible");
      mark.setAttribute("transform", `translate(0 ${top + row * Math.max(index, 0)})`);
    }
    for (const line of plot.querySelectorAll(".grid")) {
      line.setAttribute("d", line.getAttribute("d").replace(/v.*/, `v${row * entries.length}`));
    }
    for (const tick of plot.querySelectorAll(".tick")) tick.setAttribute("y", top + row * entries.length + 16);
  };

  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    button.addEventListener("click", () => {
      const first = Number(button.dataset.first);
      sorted = { column, way: column === sorted.column ? -sorted.way : first };
      draw();
    });
  });
  tools.addEventListener("input", draw);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", () => {
    sorted = { column: 0, way: 1 };
    setTimeout(draw);
  });
  const open = () => {
    const record = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (record && record.tagName === "DETAILS") record.open = true;
  };
  addEventListener("hashchange", open);
  tools.hidden = false;
  open();
  draw();
})();
