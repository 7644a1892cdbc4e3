/* The PR curve and rejection with a budget. All numbers are the build's; here they are only looked up. What is drawn as
   min(lambda p, q), and the rejected part, is taken from the densities point by point. */
"use strict";

explorable("pr_curve", (data, panels) => {
  const { x, p, q } = data;
  const zero = x.map(() => 0);
  const highest = 1.25 * Math.max(...p, ...q);
  const xAxis = { min: x[0], max: x[x.length - 1], ticks: [-6, -4, -2, 0, 2, 4, 6], label: "x" };
  const heights = { min: 0, max: highest, ticks: [0, 0.1, 0.2, 0.3, 0.4], label: "density" };
  const share = { min: 0, max: 1.04, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] };
  const over = (values) => x.map((v, i) => [v, values[i]]);

  /* The points at the lambdas of the slider, with the corner where precision becomes 1, and the ends. */
  function curve(precision, recall, corner) {
    const points = precision.map((a, i) => [recall[i], a]).filter(([, a]) => a < 1);
    return [[points[0][0], 0], ...points, [corner, 1], [0, 1]];
  }

  return (state) => {
    const at = data.budgets[state.K_index], none = data.budgets[0], i = state.lambda_index;
    const alpha = data.precision[i], beta = data.recall[i];
    const alphaAfter = at.precision[i], betaAfter = at.recall[i];
    const scaled = p.map((v) => state.lambda * v);

    const left = panels.densities.start(xAxis, heights);
    left.area("overlap", x, zero, scaled.map((v, j) => Math.min(v, q[j])), "overlap fill");
    left.line("target", over(p), "a");
    left.line("scaled", over(scaled), "a thin dashed");
    left.line("model", over(q), "b");

    const lower = panels.rejection.start(xAxis, { ...heights, max: Math.max(highest, 1.08 * Math.max(...at.refined)),
      ticks: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6] });
    lower.hatch();
    lower.area("rejected", x, at.accepted, q, "hatch fill");
    lower.area("accepted", x, zero, at.accepted, "accepted fill");
    lower.line("model", over(q), "b");
    lower.line("target", over(p), "a thin");
    lower.line("refined", over(at.refined), "c dashed");

    const right = panels.curve.start({ ...share, label: "recall β" }, { ...share, label: "precision α" });
    right.line("before", curve(data.precision, data.recall, none.corner), "b");
    right.line("after", curve(at.precision, at.recall, at.corner), "c dashed");
    right.line("move", [[beta, alpha], [betaAfter, alphaAfter]], "arrow");
    right.dot("point", beta, alpha, "b dot");
    right.square("point-after", betaAfter, alphaAfter, "c box");

    let moved;
    if (at.status === "target reached") {
      moved = `K exceeds M = ${show(data.M)}: what is accepted has the law of the target, and costs ${show(at.proposals)} proposals`;
    } else if (state.K === 1) {
      moved = "With K = 1 everything is accepted and nothing changes";
    } else if (alphaAfter < 1) {
      moved = `With K = ${show(state.K)} precision is ${show(state.K)} times as high, ${show(alphaAfter)}, at unchanged recall`;
    } else {
      moved = `With K = ${show(state.K)} precision has reached 1, and recall at Kλ is ${show(betaAfter)}`;
    }
    const reading = `At λ = ${show(state.lambda)} the model has precision ${show(alpha)} and recall ${show(beta)}. ${moved}.`;
    return {
      numbers: { alpha, beta, alpha_after: alphaAfter, beta_after: betaAfter, rate: at.rate, proposals: at.proposals,
        c: at.c, M: data.M },
      reading,
      labels: {
        densities: `Densities of the target, with bumps at −1.8 and 2, and of the model, one wide bump at −0.9. The area under both λp and q is ${show(alpha)}.`,
        rejection: `The model's density and the part of it that is accepted, whose area is ${show(at.rate)}; the refined law is this part made a density.`,
        curve: `Precision against recall. The model's point is at recall ${show(beta)} and precision ${show(alpha)}; the refined law's at recall ${show(betaAfter)} and precision ${show(alphaAfter)}.`,
      },
    };
  };
});
