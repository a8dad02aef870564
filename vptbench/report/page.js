"use strict";

// Tables are sorted by the buttons in their headings. A cell may say in data-value what it is sorted by;
// cells without a figure stay last. A heading's data-first says which direction comes first.
{
  const key = (row, index, numeric) => {
    const cell = row.cells[index];
    const text = cell.dataset.value ?? cell.textContent.trim();
    return numeric ? (text === "" ? NaN : Number(text)) : text;
  };
  const sortBy = (heading) => {
    const body = heading.closest("table").tBodies[0];
    const index = heading.cellIndex;
    const rows = [...body.rows];
    const numeric = rows.some((row) => row.cells[index].dataset.value !== undefined);
    const now = heading.getAttribute("aria-sort");
    const first = heading.dataset.first ?? "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = now === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      const x = key(a, index, numeric), y = key(b, index, numeric);
      if (!numeric) return sign * x.localeCompare(y, "en", { numeric: true });
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return sign * (x - y);
    });
    for (const each of heading.closest("tr").cells) {
      if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", each === heading ? order : "none");
    }
    body.append(...rows);
  };
  for (const button of document.querySelectorAll("th > button.sort")) {
    button.addEventListener("click", () => sortBy(button.closest("th")));
  }
}

// What is folded away is made when it is opened: pictures are not decoded before.
{
  const fill = (details) => {
    const template = details.querySelector(":scope > template");
    if (template) template.replaceWith(template.content);
  };
  for (const details of document.querySelectorAll("details")) {
    if (details.open) fill(details);
    details.addEventListener("toggle", () => fill(details));
  }
}

// Clips: a filter, and the rest of a long list.
for (const list of document.querySelectorAll(".clips")) {
  const more = list.querySelector(".more");
  const find = list.querySelector("input[type=search]");
  const items = [...list.querySelectorAll("details.clip")];
  const update = () => {
    const word = find ? find.value.trim().toLowerCase() : "";
    for (const item of items) {
      const fits = item.dataset.clip.toLowerCase().includes(word);
      item.hidden = !fits || (!word && !list.classList.contains("all") && item.classList.contains("late"));
    }
    if (more) more.hidden = word !== "" || list.classList.contains("all");
  };
  if (find) find.addEventListener("input", update);
  if (more) more.addEventListener("click", () => { list.classList.add("all"); update(); });
  list.showClip = (clip) => {
    const item = items.find((each) => each.dataset.clip === clip);
    if (!item) return;
    item.hidden = false;
    item.open = true;
    item.scrollIntoView({ block: "start" });
    item.querySelector("summary").focus({ preventScroll: true });
  };
}

// Players: a step is one picture of all panels, of which each canvas shows its part.
for (const player of document.querySelectorAll(".player")) {
  const canvases = [...player.querySelectorAll("canvas")];
  const slider = player.querySelector("input[type=range]");
  const button = player.querySelector("button.play");
  const told = player.querySelector("output");
  const sources = [...player.querySelector("template").content.querySelectorAll("img")];
  const pictures = [];
  let timer = 0;
  const load = (step) => {
    if (!pictures[step]) {
      pictures[step] = new Image();
      pictures[step].src = sources[step].getAttribute("src");
    }
    return pictures[step];
  };
  const show = async (step) => {
    const picture = load(step);
    await picture.decode();
    if (Number(slider.value) !== step) return;
    canvases.forEach((canvas, place) => {
      const { width, height } = canvas;
      canvas.getContext("2d").drawImage(picture, place * width, 0, width, height, 0, 0, width, height);
    });
    const number = sources[step].dataset.frame;
    told.textContent = `frame ${number}`;
    slider.setAttribute("aria-valuetext", `frame ${number}`);
    player.dataset.shown = step;
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "▶";
    button.setAttribute("aria-label", "Play");
  };
  const play = () => {
    timer = setInterval(() => {
      if (Number(player.dataset.shown) !== Number(slider.value)) return;
      slider.value = (Number(slider.value) + 1) % sources.length;
      show(Number(slider.value));
    }, 1000 / 12);
    button.textContent = "❚❚";
    button.setAttribute("aria-label", "Pause");
  };
  button.addEventListener("click", () => (timer ? stop() : play()));
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  show(0);
}

// Plots of clips: the nearest dot is told; a click opens its clip.
for (const section of document.querySelectorAll("section")) {
  const names = [...section.querySelectorAll(".names > li")].map((item) => item.textContent);
  const tip = section.querySelector(".tip");
  const list = section.querySelector(".clips");
  for (const plot of section.querySelectorAll("svg.dots")) {
    const dots = [...plot.querySelectorAll("circle")];
    const places = dots.map((dot) => [dot.cx.baseVal.value, dot.cy.baseVal.value]);
    let near = null;
    const leave = () => {
      if (near) near.classList.remove("near");
      near = null;
      tip.hidden = true;
    };
    const move = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.getScreenCTM().inverse());
      let least = 14 ** 2;
      let found = null;
      places.forEach(([x, y], index) => {
        const distance = (x - point.x) ** 2 + (y - point.y) ** 2;
        if (distance < least) [least, found] = [distance, dots[index]];
      });
      if (found !== near) leave();
      if (!found) return;
      near = found;
      near.classList.add("near");
      const row = near.parentNode.dataset.row;
      tip.replaceChildren(names[near.dataset.c], document.createElement("br"), `${row}: ${near.dataset.v}`);
      tip.hidden = false;
      const box = tip.getBoundingClientRect();
      tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
      tip.style.top = `${Math.max(8, event.clientY - box.height - 12)}px`;
    };
    plot.addEventListener("pointermove", move);
    plot.addEventListener("pointerleave", leave);
    plot.addEventListener("click", () => { if (near && list) list.showClip(names[near.dataset.c]); });
  }
}

// The methods paragraph: copied, or selected where a browser does not let it be copied.
for (const button of document.querySelectorAll("button.copy")) {
  const text = button.closest(".methods").querySelector("p");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    }
  });
}
