// The treemap: boxes in boxes, each with a name where there is room for it.

const HEADER = 18; // pixels that the name of a box with boxes in it takes
const GAP = 2; // pixels between a box and those in it
const LEAST = 3; // boxes that are narrower are one box
const LEVELS = 4; // levels that are drawn at once
const LETTER = 6.6; // pixels that a letter takes, about
const MOST = 4000; // boxes that are drawn at once

// Both ends of a name tell it from others, so the middle of a long one goes.
function shortened(name, room) {
  const most = Math.max(3, Math.floor(room));
  if (name.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return name.slice(0, head) + "…" + name.slice(name.length - (most - 1 - head));
}

// Words that are seen, and no part of what the box is called, which says them anyway: the style sheet writes them.
function painted(className, words) {
  const element = make("span", className);
  element.dataset.words = words;
  return element;
}

class TreeMap {
  constructor(element, on) {
    this.element = element;
    this.on = on;
    this.boxes = new Map(); // by row
    this.rows = new Map(); // by element
    this.focused = null;
    element.addEventListener("click", (event) => this.with(event, (row) => on.open(row)));
    element.addEventListener("mouseover", (event) => this.with(event, (row) => on.look(row)));
    element.addEventListener("mouseleave", () => on.look(null));
    element.addEventListener("focusin", (event) => this.with(event, (row) => on.look(row)));
    element.addEventListener("keydown", (event) => this.key(event));
  }

  with(event, act) {
    const box = event.target.closest(".box");
    const row = box && this.rows.get(box);
    if (row) act(row);
  }

  draw(root, colouring, searching) {
    this.boxes.clear();
    this.rows.clear();
    this.root = root;
    this.colouring = colouring;
    this.searching = searching;
    this.drawn = 0;
    const { clientWidth, clientHeight } = this.element;
    const boxes = document.createDocumentFragment();
    this.level(root, { x: 0, y: 0, w: clientWidth, h: clientHeight }, 1, boxes);
    if (!this.drawn) boxes.append(make("p", "empty", "nothing here"));
    this.element.setAttribute("role", this.drawn ? "tree" : "group");
    this.element.replaceChildren(boxes);
    const first = this.element.querySelector(".box");
    if (first) first.tabIndex = 0;
    this.focused = first;
  }

  // Lays out the rows below one. What would be too narrow to see is one box.
  layout(row, { x, y, w, h }) {
    const items = row.sorted.map((child) => ({ row: child, size: child.shown }));
    const scale = (w * h) / Math.max(1, row.shown);
    let whole = items.findIndex((item) => item.size * scale < LEAST * LEAST);
    if (whole < 0) whole = items.length;
    for (;;) {
      const some = items.slice(0, whole);
      const rest = items.slice(whole);
      if (rest.length) some.push({ rest, size: rest.reduce((sum, item) => sum + item.size, 0) });
      some.sort((a, b) => b.size - a.size);
      squarify(some, x, y, w, h);
      const narrow = some.findIndex((item) => item.row && Math.min(item.w, item.h) < LEAST);
      if (narrow < 0 || whole === 0) return some;
      whole = Math.min(whole - 1, items.indexOf(some[narrow]));
    }
  }

  level(row, area, depth, into) {
    for (const item of this.layout(row, area)) {
      if (this.drawn >= MOST) return;
      if (item.row) this.box(item, area, depth, into);
      else this.rest(item, area, depth, into);
    }
  }

  place(element, item, area) {
    // Whole pixels, so that neighbours touch.
    const [left, top] = [Math.round(item.x), Math.round(item.y)];
    const [right, bottom] = [Math.round(item.x + item.w), Math.round(item.y + item.h)];
    element.style.left = left - area.x + (area.inset || 0) + "px";
    element.style.top = top - area.y + (area.top || 0) + "px";
    element.style.width = right - left + "px";
    element.style.height = bottom - top + "px";
    return [right - left, bottom - top];
  }

  box(item, area, depth, into) {
    const { row } = item;
    this.drawn += 1;
    const box = make("div", "box");
    const [width, height] = this.place(box, item, area);
    const nests = row.sorted.length > 0 && depth < LEVELS && width > 44 && height > HEADER + 16;
    box.setAttribute("role", "treeitem");
    box.setAttribute("aria-level", String(depth));
    box.setAttribute("aria-label", this.on.say(row));
    box.tabIndex = -1;
    if (row.kind !== "name") box.classList.add("ours");
    if (this.searching && !row.holds) box.classList.add("dim");
    if (this.searching && row.matches) box.classList.add("match");
    this.boxes.set(row, box);
    this.rows.set(box, row);
    into.append(box);
    if (!nests) box.style.background = background(this.colouring, row);
    if (width > 30 && height > 13) {
      box.append(painted("label", shortened(row.name, (width - 8) / LETTER)));
      if (!nests && height >= 34 && width >= 64) box.append(painted("size", human(row.shown)));
    }
    if (!nests) return;
    box.classList.add("nest");
    box.setAttribute("aria-expanded", "true");
    const group = make("div", "group");
    group.setAttribute("role", "group");
    const inner = { x: 0, y: 0, w: width - 2 * GAP, h: height - HEADER - GAP };
    box.append(group);
    this.level(row, inner, depth + 1, group);
    if (!group.firstChild) group.remove();
  }

  rest(item, area, depth, into) {
    const box = make("div", "rest");
    this.place(box, item, area);
    const bytes = human(item.size);
    box.title = plural(item.rest.length, "row", "rows") + " too small to be drawn: " + bytes;
    into.append(box);
  }

  // The box of a row, or of the nearest one above it that is drawn.
  nearest(row) {
    for (let at = row; at; at = at.parent) if (this.boxes.has(at)) return this.boxes.get(at);
    return null;
  }

  mark(row) {
    for (const box of this.element.querySelectorAll(".marked")) box.classList.remove("marked");
    const box = row && this.nearest(row);
    if (box) box.classList.add("marked");
  }

  focus(box) {
    if (!box) return;
    if (this.focused) this.focused.tabIndex = -1;
    box.tabIndex = 0;
    this.focused = box;
    box.focus();
  }

  key(event) {
    const box = event.target.closest(".box");
    const row = box && this.rows.get(box);
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const beside = (by) => {
      const all = row.parent.sorted.filter((other) => this.boxes.has(other));
      return this.boxes.get(all[all.indexOf(row) + by]);
    };
    const within = () => this.boxes.get(row.sorted.find((child) => this.boxes.has(child)));
    const moves = {
      ArrowRight: () => beside(1),
      ArrowLeft: () => beside(-1),
      ArrowDown: within,
      ArrowUp: () => this.boxes.get(row.parent),
      Home: () => this.element.querySelector(".box"),
    };
    if (moves[event.key]) {
      event.preventDefault();
      this.focus(moves[event.key]());
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.on.open(row, true);
    }
  }
}
