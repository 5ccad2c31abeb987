// The table beside the treemap: the rows below the one that is looked at, or those that a search finds.

const ROWS_AT_ONCE = 200;

const COLUMNS = [
  { id: "name", title: "name", of: (row) => row.name.toLowerCase() },
  { id: "bytes", title: "bytes", figure: true, of: (row) => row.shown },
  { id: "share", title: "share", figure: true, of: (row) => row.shown },
  { id: "count", title: "count", figure: true, of: (row) => row.shownCount },
  { id: "lit", title: "coloured", figure: true, of: (row) => row.lit },
];

const OF_DIFFS = [
  COLUMNS[0],
  { id: "old", title: "old", figure: true, of: (row) => row.change[0] },
  { id: "new", title: "new", figure: true, of: (row) => row.change[1] },
  { id: "delta", title: "delta", figure: true, of: (row) => Math.abs(row.change[2]), said: (row) => row.change[2] },
];

class Table {
  constructor(element, on, isDiff) {
    this.element = element;
    this.on = on;
    this.isDiff = isDiff;
    this.columns = isDiff ? OF_DIFFS : COLUMNS;
    this.sort = { id: this.usual(), down: true };
    this.all = false;
    element.addEventListener("click", (event) => {
      const heading = event.target.closest("th button");
      if (heading) return this.turn(heading.dataset.column);
      const row = this.rows.get(event.target.closest("tbody tr"));
      if (row) on.open(row);
    });
    element.addEventListener("mouseover", (event) => on.look(this.rows.get(event.target.closest("tbody tr")) || null));
    element.addEventListener("mouseleave", () => on.look(null));
    element.addEventListener("focusin", (event) => on.look(this.rows.get(event.target.closest("tbody tr")) || null));
    element.addEventListener("keydown", (event) => this.key(event));
  }

  // What it is sorted by where nothing is said.
  usual() {
    return this.isDiff ? "delta" : "bytes";
  }

  turn(id) {
    const down = this.sort.id === id ? !this.sort.down : id !== "name";
    this.sort = { id, down };
    this.on.sorted();
  }

  // Rows, the row that shares are of, and whether a search found them.
  draw(rows, whole, found, hasColour) {
    this.rows = new Map();
    const columns = this.columns.filter((column) => column.id !== "lit" || hasColour);
    const column = columns.find((known) => known.id === this.sort.id) || columns.find((known) => known.id === this.usual());
    const sign = this.sort.down ? -1 : 1;
    const sorted = [...rows].sort((a, b) => {
      const [x, y] = [column.of(a), column.of(b)];
      const last = (a.kind === "folded") - (b.kind === "folded");
      return last || sign * (x < y ? -1 : x > y ? 1 : 0);
    });
    const head = make("thead");
    const headings = make("tr");
    // What all rows are need not be said of each.
    const kinds = new Set(rows.filter((row) => row.kind === "name").map((row) => row.dimension));
    const what = kinds.size === 1 && !found ? [...kinds][0] : "";
    for (const { id, title: own, figure } of columns) {
      const th = make("th", (figure ? "figure " : "") + id);
      const title = id === "name" && what ? what : own;
      th.scope = "col";
      const button = make("button", "", title);
      button.type = "button";
      button.dataset.column = id;
      const sortedBy = id === column.id;
      if (sortedBy) th.setAttribute("aria-sort", this.sort.down ? "descending" : "ascending");
      if (sortedBy) button.append(make("span", "turn", this.sort.down ? " ▾" : " ▴"));
      th.append(button);
      headings.append(th);
    }
    head.append(headings);
    const body = make("tbody");
    const shown = this.all ? sorted : sorted.slice(0, ROWS_AT_ONCE);
    for (const row of shown) body.append(this.row(row, whole, found, hasColour, what));
    const foot = make("tfoot");
    const sum = (of) => rows.reduce((sum, row) => sum + of(row), 0);
    if (!found && this.isDiff) {
      const total = make("tr", "strong");
      total.append(make("td", "", "sum"), ...this.changes([0, 1, 2].map((at) => sum((row) => row.change[at]))));
      foot.append(total);
    } else if (!found) {
      const total = make("tr", "strong");
      total.append(make("td", "", "sum"), make("td", "figure", exact(sum((row) => row.shown))));
      total.append(make("td", "figure", share(sum((row) => row.shown), whole.shown)));
      total.append(make("td", "figure count", exact(sum((row) => row.shownCount))));
      if (hasColour) total.append(make("td", "figure", exact(sum((row) => row.lit))));
      foot.append(total);
    }
    if (shown.length < sorted.length) {
      const more = make("tr");
      const cell = make("td");
      cell.colSpan = columns.length;
      const button = make("button", "", "show all " + exact(sorted.length) + " rows");
      button.type = "button";
      button.addEventListener("click", () => {
        this.all = true;
        this.on.sorted();
      });
      cell.append(button);
      more.append(cell);
      foot.append(more);
    }
    const caption = make("caption", "", found ? plural(rows.length, "row", "rows") + " found" : "rows of " + whole.name);
    this.element.replaceChildren(caption, head, body, foot);
  }

  row(row, whole, found, hasColour, what) {
    const tr = make("tr", row.kind === "name" ? "" : "ours");
    const name = make("td", "name");
    const opens = row.children.length > 0;
    if (found) name.append(make("span", "path", pathOf(row).slice(0, -1).map((at) => at.name + " › ").join("")));
    name.append(make(row.kind === "folded" ? "span" : "code", "", row.name));
    if (opens) name.append(make("span", "opens", " ›"));
    const kind = kindOf(row);
    if (kind !== what) name.append(make("span", "dimension", kind));
    tr.append(name);
    if (this.isDiff) {
      if (row.note) name.append(make("div", "note", row.note));
      tr.append(...this.changes(row.change));
      return this.keep(tr, row);
    }
    tr.append(make("td", "figure", exact(row.shown)), make("td", "figure", share(row.shown, whole.shown)));
    tr.append(make("td", "figure count", row.shownCount ? exact(row.shownCount) : ""));
    if (hasColour) tr.append(make("td", "figure", row.lit ? exact(row.lit) : ""));
    return this.keep(tr, row);
  }

  keep(tr, row) {
    tr.tabIndex = this.rows.size === 0 ? 0 : -1;
    this.rows.set(tr, row);
    return tr;
  }

  changes([before, after, delta]) {
    return [exact(before), exact(after), signed(delta, exact)].map((figure) => make("td", "figure", figure));
  }

  mark(row) {
    for (const tr of this.element.querySelectorAll(".marked")) tr.classList.remove("marked");
    for (const [tr, known] of this.rows) if (row && known === row) tr.classList.add("marked");
  }

  key(event) {
    const tr = event.target.closest("tbody tr");
    const row = this.rows.get(tr);
    if (!row || event.target !== tr) return;
    const next = { ArrowDown: tr.nextElementSibling, ArrowUp: tr.previousElementSibling }[event.key];
    if (next) {
      event.preventDefault();
      [tr.tabIndex, next.tabIndex] = [-1, 0];
      next.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.on.open(row);
    }
  }
}
