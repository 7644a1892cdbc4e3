/* The bounds on the class radius. All numbers are the build's; lines join the values of K that the slider has. */
"use strict";

explorable("class_radius", (data, panels, { controls }) => {
  const values = controls.find((control) => control.name === "K").values;
  const end = 3.2;
  const square = { min: -end, max: end, ticks: [-3, -2, -1, 0, 1, 2, 3] };
  const tiny = 5e-5;

  function drawClasses(state) {
    const panel = panels.plane.start(square, square, { left: 26, right: 8, top: 8, bottom: 24 });
    panel.add("circle", { class: "a disc", cx: panel.x(0), cy: panel.y(0), r: panel.x(data.median) - panel.x(0) }, panel.inside);
    const turns = data.edges[state.s_index][state.K_index];
    if (!turns) {
      panel.text("more than 50 classes", panel.x(0), panel.y(0) - 4, { "text-anchor": "middle" });
      panel.text("are too thin to draw", panel.x(0), panel.y(0) + 14, { "text-anchor": "middle" });
      return;
    }
    const lines = state.shape === "slabs"
      ? data.cuts[state.s_index][state.K_index].map((cut) => [[cut, -end], [cut, end]])
      : [0, ...turns].map((turn) => [[0, 0], [5 * Math.cos(2 * Math.PI * turn), 5 * Math.sin(2 * Math.PI * turn)]]);
    const d = lines.map((line) => panel.path(line)).join("");
    panel.add("path", { "data-part": "edges", class: "line edge", d }, panel.inside);
  }

  return (state) => {
    const row = data.bounds[state.s_index], at = row[state.K_index];
    drawClasses(state);

    const panel = panels.bounds.start(
      { min: 2, max: values[values.length - 1], log: true, ticks: [2, 10, 100, 1000, 10000], label: "K" },
      { min: tiny, max: 4, log: true, ticks: [0.0001, 0.001, 0.01, 0.1, 1], label: "mean class radius" },
      { left: 62, right: 10, top: 8, bottom: 38 },
    );
    // Largest shares fall with K: the assumption fails on the left, up to the first K where it holds.
    const firstInside = row.findIndex((b) => b.decay);
    const until = values[firstInside < 0 ? values.length - 1 : Math.max(firstInside, 0)];
    if (firstInside !== 0) panel.area("outside", [2, until], [tiny, tiny], [4, 4], "outside fill");
    const along = (key) => values.map((k, i) => [k, Math.max(row[i][key], tiny)]);
    panel.line("gamma", along("gamma"), "b");
    panel.line("sum", along("sum"), "a thick");
    panel.line("kappa", along("kappa"), "c dashed");
    panel.line("sectors", along("sectors"), "d dotted");
    panel.line("slabs", along("slabs"), "e thin");
    for (const key of ["kappa", "gamma"]) {
      let last = -Infinity; // crosses that would touch are left out
      row.forEach((b, i) => {
        if (b[`${key}_proven`] || panel.x(values[i]) - last < 12) return;
        last = panel.x(values[i]);
        panel.cross(`${key}-fails`, values[i], b[key], "cross");
      });
    }
    panel.line("now", [[state.K, tiny], [state.K, 4]], "arrow");
    panel.dot("now-gamma", state.K, at.gamma, "b dot", 4);
    panel.dot("now-sum", state.K, at.sum, "a dot", 4);
    panel.dot("now-shape", state.K, at[state.shape], state.shape === "slabs" ? "e dot" : "d dot", 4);

    const fails = [];
    if (!at.decay) fails.push(`the slides ask for shares of at most 1/5, and the largest is ${show(at.largest)}`);
    if (!at.kappa_proven) fails.push("κ is below the isoperimetric sum, so that it need not be a bound");
    if (!at.gamma_proven) fails.push("γ is below the isoperimetric sum, so that it need not be a bound");
    const state_of = fails.length ? `But ${fails.join("; ")}.` : "All assumptions hold.";
    const reading = `${show(state.K)} classes, s = ${show(state.s)}: the mean radius of the ${state.shape} is ${show(at[state.shape])}, `
      + `the isoperimetric sum ${show(at.sum)}, κ ${show(at.kappa)}, γ ${show(at.gamma)}. ${state_of}`;
    return {
      numbers: { largest: at.largest, collision: at.collision, entropy: at.entropy, gamma: at.gamma, kappa: at.kappa,
        sum: at.sum, sectors: at.sectors, slabs: at.slabs },
      reading,
      labels: {
        plane: `A plane cut into ${show(state.K)} ${state.shape}, the largest of which has the share ${show(at.largest)}.`,
        bounds: `Three bounds and two radii against K, on logarithmic axes. At K = ${show(state.K)}: γ ${show(at.gamma)}, κ ${show(at.kappa)}, sum ${show(at.sum)}, sectors ${show(at.sectors)}, slabs ${show(at.slabs)}.`,
      },
    };
  };
});
