// Squarified treemaps (Bruls, Huizing and van Wijk, 2000): rectangles of given areas, each as near to a square as a row of
// them allows. `items` have a `size`, largest first; each gets `x`, `y`, `w` and `h` within the given rectangle.

function squarify(items, x, y, w, h) {
  const total = items.reduce((sum, item) => sum + item.size, 0);
  if (total <= 0 || w <= 0 || h <= 0) return [];
  const scale = (w * h) / total;
  let from = 0;
  while (from < items.length) {
    // A row lies along the shorter side of what is left, and takes items as long as its worst rectangle gets better.
    const side = Math.min(w, h);
    let area = 0;
    let worst = Infinity;
    let to = from;
    const largest = items[from].size * scale;
    while (to < items.length) {
      const next = area + items[to].size * scale;
      const least = items[to].size * scale;
      const ratio = Math.max((side * side * largest) / (next * next), (next * next) / (side * side * least));
      if (ratio > worst) break;
      [area, worst] = [next, ratio];
      to += 1;
    }
    const thick = to === items.length ? Math.max(w, h) : area / side;
    let along = 0;
    for (let at = from; at < to; at += 1) {
      const long = (items[at].size * scale * side) / area;
      const box = w >= h ? { x, y: y + along, w: thick, h: long } : { x: x + along, y, w: long, h: thick };
      Object.assign(items[at], box);
      along += long;
    }
    if (w >= h) [x, w] = [x + thick, Math.max(0, w - thick)];
    else [y, h] = [y + thick, Math.max(0, h - thick)];
    from = to;
  }
  return items;
}
