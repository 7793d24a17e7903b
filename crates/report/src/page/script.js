// Everything a reader can do with a report: switch arms, choose a point, change the theme, ask a chart, copy the command. No library: it
// moves no data, it only shows and hides what is there.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const root = document.documentElement;
const tip = document.getElementById("tip");
const live = document.getElementById("live");

// Arms.
const off = new Set();
for (const button of all("#arms button")) {
  button.addEventListener("click", () => {
    const arm = button.dataset.arm;
    const isOff = !off.has(arm);
    isOff ? off.add(arm) : off.delete(arm);
    button.setAttribute("aria-pressed", String(!isOff));
    root.dataset.off = [...off].join(" ");
    for (const shape of all("svg [data-arm]")) {
      if (shape.dataset.arm === arm) shape.classList.toggle("off", isOff);
    }
    hide();
  });
}

// The point of a sweep that charts are of.
for (const select of all("select.point")) {
  const run = select.closest("section.run");
  const choose = () => {
    for (const chart of all("figure[data-point]", run)) chart.hidden = chart.dataset.point !== select.value;
    hide();
  };
  select.addEventListener("change", choose);
  choose();
}

// Light and dark.
const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
});

// Charts: what the nearest point says, for a pointer and for a keyboard.
const NEAR = 36;
for (const figure of all("figure.chart")) {
  const says = JSON.parse(figure.querySelector("script.says").textContent);
  for (const svg of all("svg", figure)) {
    const spots = svg.dataset.spots.split(" ").filter(Boolean).map((pair) => pair.split(",").map(Number));
    const known = () => spots.map((_, index) => index).filter((index) => !off.has(says[index][0]));
    let at = -1;
    const show = (index) => {
      at = index;
      const [, name, place, value] = says[index];
      const box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      const [x, y] = spots[index];
      let ring = svg.querySelector(".ring");
      if (!ring) {
        ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
        ring.setAttribute("class", "ring");
        ring.setAttribute("r", "7");
        svg.append(ring);
      }
      ring.setAttribute("cx", x);
      ring.setAttribute("cy", y);
      ring.classList.remove("off");
      tip.replaceChildren(element("b", name), element("span", place), element("span", value));
      tip.hidden = false;
      const left = Math.min(box.left + x * scale + 14, innerWidth - tip.offsetWidth - 8);
      const above = box.top + y * scale - tip.offsetHeight - 12;
      tip.style.left = `${Math.max(8, left)}px`;
      tip.style.top = `${above > 8 ? above : box.top + y * scale + 14}px`;
    };
    const nearest = (event) => {
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / box.width;
      const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      let best = -1;
      let least = NEAR * NEAR;
      for (const index of known()) {
        const distance = (spots[index][0] - x) ** 2 + (spots[index][1] - y) ** 2;
        if (distance <= least) [best, least] = [index, distance];
      }
      return best;
    };
    svg.addEventListener("pointermove", (event) => {
      const index = nearest(event);
      if (index < 0) hide();
      else if (index !== at || tip.hidden) show(index);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      const order = known();
      if (!order.length) return;
      const place = order.indexOf(at);
      show(order[(place < 0 ? (step > 0 ? 0 : order.length - 1) : place + step + order.length) % order.length]);
      live.textContent = says[at].slice(1).join(", ");
    });
  }
}

function hide() {
  tip.hidden = true;
  for (const ring of all("svg .ring")) ring.classList.add("off");
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// The command that repeats the run.
for (const button of all("button.copy")) {
  button.addEventListener("click", async () => {
    const code = button.closest(".command").querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected: copy it now";
    }
  });
}

// Whatever is folded is paper's only chance.
addEventListener("beforeprint", () => { for (const fold of all("details.print")) fold.open = true; });
