"""The import graph of the package, read from the code: an arrow means "imports"."""

import grimp
import matplotlib.pyplot as plt


def rows_of(imports):
    """Modules in rows: each stands one row above the highest module that it imports."""
    level = {}

    def height(name):
        if name not in level:
            level[name] = 1 + max((height(other) for other in imports[name]), default=-1)
        return level[name]

    rows = [[] for _ in range(1 + max(height(name) for name in imports))]
    for name in sorted(imports):
        rows[level[name]].append(name)
    return rows


def reduced(imports):
    """The arrows that do not follow from two others (the transitive reduction)."""

    def below(name):
        return set(imports[name]).union(*(below(other) for other in imports[name]))

    return {name: {other for other in others if not any(other in below(third) for third in others)}
            for name, others in imports.items()}


def draw(axes, imports, title):
    """Draw one graph, rows ordered so that arrows are short."""
    rows, arrows = rows_of(imports), reduced(imports)
    x = {name: (i + 0.5) / len(row) for row in rows for i, name in enumerate(row)}
    for _ in range(20):  # each module above the middle of what it imports and of what imports it
        for row in rows:
            near = {name: [x[o] for o in imports[name]] + [x[o] for o in imports if name in arrows[o]] for name in row}
            row.sort(key=lambda name: sum(near[name]) / len(near[name]) if near[name] else x[name])
            x.update({name: (i + 0.5) / len(row) for i, name in enumerate(row)})
    at = {name: (x[name], y) for y, row in enumerate(rows) for name in row}
    boxes = {name: axes.text(*place, name, ha="center", va="center", fontsize=9, family="monospace",
                             bbox={"boxstyle": "round,pad=0.3", "fc": "white", "ec": "0.2", "lw": 0.8})
             for name, place in at.items()}
    for name, others in arrows.items():
        for other in others:
            bend = 0.12 if at[name][1] - at[other][1] > 1 else 0.0  # past the boxes in between, not through them
            axes.annotate("", at[other], at[name], zorder=1, arrowprops={
                "arrowstyle": "-|>", "color": "0.35", "lw": 0.8, "connectionstyle": f"arc3,rad={bend}",
                "patchA": boxes[name].get_bbox_patch(), "patchB": boxes[other].get_bbox_patch()})
    axes.set(xlim=(0, 1), ylim=(-0.5, len(rows) - 0.5), title=title)
    axes.axis("off")


graph = grimp.build_graph("divergen")


def imports_between(names, shorten):
    """For each group of modules, the other groups that it imports."""
    found = {name: set() for name in names}
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            pair = shorten(module), shorten(other)
            if pair[0] != pair[1] and set(pair) <= set(names):
                found[pair[0]].add(pair[1])
    return found


def package():
    """The four parts and the modules around them."""
    tops = {module.split(".")[1] for module in graph.modules if "." in module}
    _, axes = plt.subplots(figsize=(9, 6))
    draw(axes, imports_between(tops, lambda module: [*module.split("."), ""][1]), "the package")


def parts():
    """Inside each of the four parts."""
    shown = {}
    for part in ("distance", "sampling", "models", "evaluation"):
        inside = {module for module in graph.modules if module.startswith(f"divergen.{part}.")}
        shown[part] = imports_between({module.split(".")[2] for module in inside},
                                      lambda m, inside=inside: m.split(".")[2] if m in inside else "")
    heights = [len(rows_of(imports)) for imports in shown.values()]
    _, axes = plt.subplots(4, 1, figsize=(9, 0.62 * sum(heights) + 1), height_ratios=heights)
    for ax, (part, imports) in zip(axes, shown.items(), strict=True):
        draw(ax, imports, f"inside {part}")
