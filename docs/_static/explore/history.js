/* Points that complete a history. Points and distances are the build's, as is the target's potential U on a grid. The
   potential of the signed target at n points y and k new ones is ((n + k) U - sum |x - y_j|) / k: this is the one
   formula that is computed here. Between the places of the grid the shading is linear. */
"use strict";

explorable("history", (data, panels, { slider }) => {
  const axis = data.axis, size = axis.length, end = axis[size - 1];
  const square = { min: -end, max: end, ticks: [-3, -2, -1, 0, 1, 2, 3] };
  const margin = { left: 26, right: 8, top: 8, bottom: 24 };
  const LEVELS = 7;

  function potential(U, history, k) {
    const n = history.length;
    return U.map((value, place) => {
      const x = axis[place % size], y = axis[Math.floor(place / size)];
      let sum = 0;
      for (const [a, b] of history) sum += Math.hypot(x - a, y - b);
      return ((n + k) * value - sum) / k;
    });
  }

  /* The region where the potential is below a level, cell by cell; whole cells of a row are joined. */
  function below(panel, V, level) {
    const parts = [];
    const X = (i) => panel.x(axis[i]).toFixed(1), Y = (j) => panel.y(axis[j]).toFixed(1);
    for (let j = 0; j + 1 < size; j++) {
      let run = -1;
      for (let i = 0; i + 1 < size; i++) {
        const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
        const values = corners.map(([a, b]) => V[b * size + a]);
        const inside = values.filter((v) => v < level).length;
        if (inside === 4 && run < 0) run = i;
        if (run >= 0 && (inside < 4 || i + 2 === size)) {
          const stop = inside === 4 ? i + 1 : i;
          parts.push(`M${X(run)} ${Y(j)}H${X(stop)}V${Y(j + 1)}H${X(run)}Z`);
          run = -1;
        }
        if (inside === 0 || inside === 4) continue;
        const polygon = [];
        corners.forEach(([a, b], c) => {
          const next = (c + 1) % 4, [a2, b2] = corners[next];
          if (values[c] < level) polygon.push([axis[a], axis[b]]);
          if (values[c] < level !== values[next] < level) {
            const t = (level - values[c]) / (values[next] - values[c]);
            polygon.push([axis[a] + t * (axis[a2] - axis[a]), axis[b] + t * (axis[b2] - axis[b])]);
          }
        });
        parts.push(`${panel.path(polygon)}Z`);
      }
    }
    return parts.join("");
  }

  function place(panel) {
    panel.start(square, square, margin);
    return panel;
  }

  return (state) => {
    const group = Number(state.group), control = slider("n");
    if (Number(control.step) !== group) control.step = group; // the browser rounds the value to the new steps
    const n = Number(control.value);
    const target = data.targets[state.target];
    const sequence = target.points[state.group], draws = target.points.independent;
    const history = sequence.slice(0, n), next = sequence.slice(n, n + group);
    const V = potential(target.potential, history, group);
    const low = Math.min(...V), high = Math.max(...V);

    const left = place(panels.chosen);
    for (let l = 1; l <= LEVELS; l++) {
      // Levels crowd towards the bottom, which is where the next point goes.
      const level = low + (high - low) * 0.6 * (l / LEVELS) ** 2;
      left.add("path", { "data-part": `below-${l}`, class: "potential", d: below(left, V, level) }, left.inside);
    }
    for (const [a, b] of history) left.dot("there", a, b, "a dot", 4.5);
    for (const [a, b] of next) {
      left.dot("halo", a, b, "halo", 7);
      left.dot("next", a, b, "b ring", 7);
    }

    const right = place(panels.independent);
    for (const ring of target.rings) right.line("ring", ring, "rings");
    for (const [a, b] of draws.slice(0, n)) right.square("drawn", a, b, "c box", 3.6, 45);

    const own = target.distance[state.group], theirs = target.distance.independent;
    const counts = own.map((_, i) => i + 1);
    const mean = (count) => target.pair_mean / (2 * count);
    const lower = panels.distance.start(
      { min: 1, max: data.most, log: true, ticks: [1, 2, 5, 10, 20, 40], label: "n" },
      { min: 0.002, max: 2, log: true, ticks: [0.01, 0.1, 1], label: "d²" },
    );
    lower.line("mean", counts.map((c) => [c, mean(c)]), "b thin");
    lower.line("independent", counts.map((c) => [c, theirs[c - 1]]), "c dashed");
    lower.line("with-history", counts.filter((c) => c % group === 0).map((c) => [c, own[c - 1]]), "a");
    if (n > 0) {
      lower.line("now", [[n, 0.002], [n, 2]], "arrow");
      lower.dot("now-chosen", n, own[n - 1], "a dot");
      lower.square("now-drawn", n, theirs[n - 1], "c box", 4, 45);
    }

    const where = next.map(([a, b]) => `(${show(Number(a.toFixed(2)))}, ${show(Number(b.toFixed(2)))})`).join(", ");
    const nothing = "no points yet";
    const reading = n === 0
      ? `No points yet: the signed target is the target itself, and the first ${group === 1 ? `point goes to ${where}` : "five points are ringed"}.`
      : `${n === 1 ? "1 point with history is" : `${n} points with history are`} at d² = ${show(own[n - 1])}, ${n === 1 ? "1 independent draw" : `${n} independent draws`} at ${show(theirs[n - 1])}. The next ${group === 1 ? `goes to ${where}` : "five are ringed"}.`;
    return {
      numbers: {
        n, chosen: n ? own[n - 1] : nothing, independent: n ? theirs[n - 1] : nothing, mean: n ? mean(n) : nothing,
        worth: n ? Math.round(mean(1) / own[n - 1]) : nothing, next: where,
      },
      reading,
      potential: V,
      labels: {
        chosen: `${n} points spread evenly over the target, and rings around the places of the next, at ${where}.`,
        independent: `${n} independent draws of the same target, in clumps and with gaps.`,
        distance: n ? `Squared distance against the number of points; at n = ${n} it is ${show(own[n - 1])} with history, ${show(theirs[n - 1])} for these independent draws and ${show(mean(n))} for draws on average.`
          : "Squared distance against the number of points, falling faster with history than for independent draws.",
      },
    };
  };
});
