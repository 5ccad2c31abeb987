// The rows of a model: data becomes objects, and sums are made of what a filter and a colour leave.

const KINDS = ["name", "category", "part"];

// Facets are given as one number where a row has one, else as facet, bytes, count one after the other.
function partsOf(data, bytes, count) {
  if (typeof data === "number") return [[data, bytes, count]];
  const parts = [];
  for (let at = 0; at < data.length; at += 3) parts.push([data[at], data[at + 1], data[at + 2]]);
  return parts;
}

function foldedRow(data, parent) {
  const [rows, bytes, count, parts, change] = data;
  const name = plural(rows, "smaller row", "smaller rows");
  return Object.assign(newRow(name, "folded", "folded", bytes, count, partsOf(parts, bytes, count), parent), { change });
}

function newRow(name, dimension, kind, bytes, count, parts, parent) {
  return {
    name, dimension, kind, bytes, count, parts, parent, children: [],
    depth: parent ? parent.depth + 1 : 0,
    // Of the bytes those that the filter leaves, what they hold, and how many have which colour.
    shown: bytes, shownCount: count, colours: null, matches: false, holds: false,
  };
}

function rowsOf(data, folded, parent, from) {
  for (const item of data) {
    // The last two are of a diff: sizes before and after and their difference, and what is said of it.
    const [name, code, bytes, count, parts, children, more, change, note] = item;
    const dimension = from.dimensions[Math.floor(code / KINDS.length)];
    const kind = KINDS[code % KINDS.length];
    const row = newRow(from.names[name], dimension, kind, bytes, count, partsOf(parts, bytes, count), parent);
    Object.assign(row, { change, note });
    if (children) {
      row.parts = [];
      rowsOf(children, more, row, from);
    }
    parent.children.push(row);
  }
  if (folded) parent.children.push(foldedRow(folded, parent));
}

function readModel(number) {
  const element = document.getElementById("data-" + number);
  if (!element) return null;
  const data = JSON.parse(element.textContent);
  const views = data.views.map((view) => {
    const root = newRow("all", "", "name", view.total === undefined ? data.total : view.total, 0, [], null);
    root.change = data.change;
    rowsOf(view.rows, view.folded, root, data);
    root.count = root.children.reduce((sum, row) => sum + row.count, 0);
    return { name: view.name, root };
  });
  const { total, facets, categories, findings, signatures } = data;
  return { number, total, facets, categories, findings, signatures, views, isDiff: data.change !== undefined };
}

// Sums up what is shown of each row: all of it, or the parts whose facets pass.
function measure(row, passes, colourOf) {
  const colours = new Map();
  const add = (colour, bytes) => colours.set(colour, (colours.get(colour) || 0) + bytes);
  let [bytes, count] = [0, 0];
  for (const [facet, partBytes, partCount] of row.parts) {
    if (passes && !passes[facet]) continue;
    bytes += partBytes;
    count += partCount;
    add(colourOf[facet], partBytes);
  }
  for (const child of row.children) {
    measure(child, passes, colourOf);
    bytes += child.shown;
    count += child.shownCount;
    child.colours.forEach((bytes, colour) => add(colour, bytes));
  }
  row.shown = bytes;
  row.shownCount = count;
  row.colours = colours;
  row.sorted = row.children.filter((child) => child.shown > 0);
  row.sorted.sort((a, b) => (a.kind === "folded") - (b.kind === "folded") || b.shown - a.shown);
}

// Marks the rows whose name has the words, and those above them.
function search(row, words) {
  row.matches = words !== "" && row.parent !== null && row.name.toLowerCase().includes(words);
  row.holds = row.matches;
  for (const child of row.children) row.holds = search(child, words) || row.holds;
  return row.holds;
}

// What a row is, in a word or two: what it is a name of, or what is not said of it.
function kindOf(row) {
  if (row.kind === "category") return "no " + row.dimension;
  return row.kind === "folded" ? "" : row.dimension;
}

function pathOf(row) {
  const path = [];
  for (let at = row; at.parent; at = at.parent) path.unshift(at);
  return path;
}

function find(root, names) {
  let at = root;
  for (const name of names) {
    const next = at.children.find((child) => child.name === name && child.kind !== "folded");
    if (!next) break;
    at = next;
  }
  return at;
}
