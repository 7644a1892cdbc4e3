/* What the explorable pictures share: controls, the place in the address, and drawing in SVG. No library, no network.

   A picture calls explorable(name, build). `build(data, panels)` returns draw(state), where state holds the value and,
   as NAME_index, the index of each control; draw(state) draws, and returns { numbers, reading, labels }: texts for the
   table, a sentence for the live region, and one for each panel. */
"use strict";

/* A number as the page shows it: four digits, and powers of ten where they are shorter. */
function show(x) {
  if (typeof x !== "number") return String(x);
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e-4 && size < 1e6) return String(Number(x.toPrecision(4))).replace("-", "−");
  const [digits, power] = x.toExponential(2).split("e");
  const raised = String(Number(power)).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)] || "⁻");
  return `${Number(digits)}·10${raised}`.replace("-", "−");
}

/* One SVG with axes. Sizes are CSS pixels: the drawing is as wide as its column, and letters keep their size. */
class Panel {
  constructor(svg) {
    this.svg = svg;
    this.name = svg.dataset.panel;
  }

  /* Begin anew. x and y: { min, max, log, ticks, label }; without them no axis is drawn. */
  start(x, y, margin = { left: 46, right: 10, top: 8, bottom: 38 }) {
    this.width = Math.max(240, Math.round(this.svg.clientWidth || 320));
    this.height = Math.max(190, Math.round(this.width * Number(this.svg.dataset.ratio)));
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.replaceChildren();
    this.left = margin.left;
    this.right = this.width - margin.right;
    this.top = margin.top;
    this.bottom = this.height - margin.bottom;
    this.x = Panel.scale(x, this.left, this.right);
    this.y = Panel.scale(y, this.bottom, this.top);
    const clip = this.add("clipPath", { id: `clip-${this.name}` });
    this.add("rect", { x: this.left, y: this.top, width: this.right - this.left, height: this.bottom - this.top }, clip);
    this.inside = this.add("g", { "clip-path": `url(#clip-${this.name})` });
    this.axes(x, y);
    return this;
  }

  static scale(axis, from, to) {
    const f = axis.log ? Math.log : (v) => v;
    const low = f(axis.min), high = f(axis.max);
    return (v) => from + ((f(v) - low) / (high - low)) * (to - from);
  }

  add(tag, attributes, parent = this.svg) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    parent.appendChild(element);
    return element;
  }

  text(words, x, y, attributes = {}) {
    const element = this.add("text", { x, y, ...attributes });
    element.textContent = words;
    return element;
  }

  axes(x, y) {
    const within = ({ min, max, ticks = [] }) => ticks.filter((t) => t >= min && t <= max);
    for (const t of within(x)) {
      this.add("path", { class: "grid", d: `M${this.x(t)} ${this.top}V${this.bottom}` });
      this.text(show(t), this.x(t), this.bottom + 15, { "text-anchor": "middle" });
    }
    for (const t of within(y)) {
      this.add("path", { class: "grid", d: `M${this.left} ${this.y(t)}H${this.right}` });
      this.text(show(t), this.left - 5, this.y(t) + 4, { "text-anchor": "end" });
    }
    if (x.label) this.text(x.label, (this.left + this.right) / 2, this.height - 5, { "text-anchor": "middle" });
    if (y.label) {
      const middle = (this.top + this.bottom) / 2;
      this.text(y.label, 11, middle, { "text-anchor": "middle", transform: `rotate(-90 11 ${middle})` });
    }
    this.svg.appendChild(this.inside);
    this.add("path", { class: "axis", d: `M${this.left} ${this.top}V${this.bottom}H${this.right}` });
  }

  path(points) {
    return points.map(([x, y], i) => `${i ? "L" : "M"}${this.x(x).toFixed(2)} ${this.y(y).toFixed(2)}`).join("");
  }

  line(part, points, style) {
    this.add("path", { "data-part": part, class: `line ${style}`, d: this.path(points) }, this.inside);
  }

  /* The area between two lists of heights over the same x. */
  area(part, x, low, high, style) {
    const up = x.map((v, i) => [v, high[i]]);
    const down = x.map((v, i) => [v, low[i]]).reverse();
    this.add("path", { "data-part": part, class: style, d: `${this.path(up.concat(down))}Z`,
      ...(style.startsWith("hatch") ? { fill: "url(#hatch)" } : {}) }, this.inside);
  }

  /* Lines at an angle for areas of the class "hatch", here and in the legend. */
  hatch() {
    const pattern = this.add("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    this.add("path", { class: "hatching", d: "M0 0V6" }, pattern);
  }

  dot(part, x, y, style, radius = 5) {
    this.add("circle", { "data-part": part, class: style, cx: this.x(x).toFixed(2), cy: this.y(y).toFixed(2), r: radius });
  }

  square(part, x, y, style, half = 5, turn = 0) {
    const cx = this.x(x), cy = this.y(y);
    const at = { x: (cx - half).toFixed(2), y: (cy - half).toFixed(2), width: 2 * half, height: 2 * half };
    this.add("rect", { "data-part": part, class: style, transform: `rotate(${turn} ${cx} ${cy})`, ...at });
  }

  cross(part, x, y, style, half = 4) {
    const cx = this.x(x), cy = this.y(y);
    this.add("path", { "data-part": part, class: style,
      d: `M${cx - half} ${cy - half}L${cx + half} ${cy + half}M${cx + half} ${cy - half}L${cx - half} ${cy + half}` });
  }
}

function explorable(name, build) {
  const figure = document.getElementById(`explorable-${name}`);
  const { controls, data } = JSON.parse(document.getElementById(`data-${name}`).textContent);
  for (const part of figure.querySelectorAll(".needs-script")) part.hidden = false;
  const panels = {};
  for (const svg of figure.querySelectorAll("svg[data-panel]")) panels[svg.dataset.panel] = new Panel(svg);
  const slider = (control) => figure.querySelector(`input[type=range][name="${control.name}"]`);
  const buttons = (control) => [...figure.querySelectorAll(`input[name="${name}-${control.name}"]`)];
  const first = {};

  function read() {
    const state = {};
    for (const control of controls) {
      if (control.kind === "range") {
        const index = Number(slider(control).value);
        state[`${control.name}_index`] = index;
        state[control.name] = control.values[index];
      } else {
        state[control.name] = buttons(control).find((button) => button.checked).value;
      }
    }
    return state;
  }

  /* Set controls to values, sliders to the nearest that they have; what is not understood is left as it is. */
  function write(values) {
    for (const control of controls) {
      if (!(control.name in values)) continue;
      const value = values[control.name];
      if (control.kind === "range") {
        const wanted = Number(value);
        if (String(value).trim() === "" || !Number.isFinite(wanted)) continue;
        let best = 0;
        control.values.forEach((v, i) => {
          if (Math.abs(v - wanted) < Math.abs(control.values[best] - wanted)) best = i;
        });
        slider(control).step = 1;
        slider(control).value = best;
      } else {
        for (const button of buttons(control)) if (button.value === value) button.checked = true;
      }
    }
  }

  const draw = build(data, panels, { controls, slider: (wanted) => slider({ name: wanted }) });

  function update() {
    const shown = draw(read());
    const state = read(); // a picture may round a slider to a coarser step
    for (const control of controls) {
      if (control.kind !== "range") continue;
      slider(control).setAttribute("aria-valuetext", show(state[control.name]));
      figure.querySelector(`output[for="${name}-${control.name}"]`).textContent = show(state[control.name]);
    }
    for (const [key, value] of Object.entries(shown.numbers)) {
      figure.querySelector(`[data-number="${key}"]`).textContent = show(value);
    }
    figure.querySelector(".reading").textContent = shown.reading;
    for (const [key, text] of Object.entries(shown.labels)) panels[key].svg.setAttribute("aria-label", text);
    figure.shown = shown;
  }

  /* The address holds the place, written a moment after the last move: browsers limit how often it may change. */
  let timer = 0;
  function moved() {
    update();
    clearTimeout(timer);
    timer = setTimeout(() => {
      const state = read();
      const place = controls.map((control) => `${control.name}=${state[control.name]}`).join("&");
      window.history.replaceState(null, "", `#${place}`);
    }, 150);
  }

  function follow() {
    write(Object.fromEntries(new URLSearchParams(window.location.hash.slice(1))));
    update();
  }

  Object.assign(first, read());
  figure.addEventListener("input", moved);
  figure.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  figure.querySelector(".reset").addEventListener("click", () => { write(first); moved(); });
  window.addEventListener("hashchange", follow);
  let width = 0;
  new ResizeObserver(() => {
    if (figure.clientWidth !== width) {
      width = figure.clientWidth;
      update();
    }
  }).observe(figure);
  follow();
}
