// The page: one state, which is in the URL's hash, and what is drawn of it.

const models = new Map();

function readHash() {
  const state = new Map();
  for (const pair of location.hash.slice(1).split("&")) {
    const [key, value] = pair.split("=", 2);
    try {
      if (value !== undefined) state.set(key, key === "path" ? value : decodeURIComponent(value));
    } catch {
      // Not something that this page wrote.
    }
  }
  return state;
}

function fill(select, options) {
  for (const [value, name] of options) {
    const option = make("option", "", name);
    option.value = value;
    select.append(option);
  }
}

// 1.20 kB → 1.30 kB, +100 bytes
function changed(row) {
  const [before, after, delta] = row.change;
  return human(before) + " → " + human(after) + ", " + signed(delta, human);
}

class Explorer {
  constructor(number) {
    this.model = readModel(number);
    this.section = document.getElementById("explorer-" + number);
    this.colourings = colourings(this.model);
    this.state = { view: this.model.views[0].name, path: [], colour: this.colourings[0].id, metagraph: "", signature: "", q: "", sort: "bytes", down: true };
    this.selected = null;
    const on = {
      open: (row, byKey) => this.open(row, byKey),
      look: (row) => this.look(row),
      say: (row) => this.say(row),
      sorted: () => {
        Object.assign(this.state, { sort: this.table.sort.id, down: this.table.sort.down });
        this.write(false);
        this.drawTable();
      },
    };
    this.section.hidden = false;
    this.map = new TreeMap(this.part(".map"), on);
    this.table = new Table(this.part("table"), on, this.model.isDiff);
    this.state.sort = this.table.usual();
    // Of a diff the table comes first.
    if (this.model.isDiff) this.part(".both").append(this.part(".side"));
    this.controls();
    new ResizeObserver(() => this.resize()).observe(this.part(".map"));
  }

  part(selector) {
    return this.section.querySelector(selector);
  }

  controls() {
    const colour = this.part(".colour");
    fill(colour, this.colourings.map(({ id, name }) => [id, name]));
    colour.closest("label").hidden = this.colourings.length < 2;
    const metagraphs = [...new Set(this.model.facets.map((facet) => facet.metagraph).filter(Boolean))].sort();
    const metagraph = this.part(".metagraph");
    fill(metagraph, [["", "all of the model"], ...metagraphs.map((name) => [name, name])]);
    this.part(".for-metagraph").hidden = metagraphs.length < 2;
    this.signatures = this.model.signatures.map((signature) => signatureName(this.model, signature));
    const signature = this.part(".signature");
    fill(signature, [["", "anything"], ...this.signatures.map((name) => [name, name])]);
    this.part(".for-signature").hidden = this.signatures.length === 0;
    const set = (key, clear) => (event) => {
      this.state[key] = event.target.value;
      if (clear) this.state.path = [];
      this.table.all = false;
      this.write(key !== "q");
      this.draw();
    };
    this.part(".view").addEventListener("change", set("view", true));
    colour.addEventListener("change", set("colour"));
    metagraph.addEventListener("change", set("metagraph"));
    signature.addEventListener("change", set("signature"));
    this.part(".search").addEventListener("input", set("q"));
    this.part(".search").addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      event.preventDefault();
      this.state.q = "";
      event.target.value = "";
      event.target.blur();
      this.write(false);
      this.draw();
    });
  }

  // Takes over what the hash says, as far as the model has it.
  read(hash) {
    const { state, model } = this;
    const known = (value, all, otherwise) => (all.includes(value) ? value : otherwise);
    state.view = known(hash.get("view"), model.views.map((view) => view.name), model.views[0].name);
    state.colour = known(hash.get("colour"), this.colourings.map((one) => one.id), this.colourings[0].id);
    state.metagraph = known(hash.get("metagraph") || "", model.facets.map((facet) => facet.metagraph), "");
    state.signature = known(hash.get("signature") || "", this.signatures, "");
    state.q = hash.get("q") || "";
    state.sort = known(hash.get("sort"), this.table.columns.map((column) => column.id), this.table.usual());
    state.down = hash.get("order") !== "up";
    try {
      state.path = (hash.get("path") || "").split("/").filter(Boolean).map(decodeURIComponent);
    } catch {
      state.path = [];
    }
    this.jump(hash);
    this.table.sort = { id: state.sort, down: state.down };
    this.draw();
  }

  // A link of a finding names an item: the row of it, or the nearest one that is not folded.
  jump(hash) {
    const places = [["variable", "variable"], ["function", "section, function"], ["node", "section, op"], ["file", "file"], ["section", "section, op"]];
    const found = places.find(([key]) => hash.has(key));
    if (!found) return;
    const [key, name] = hash.has("function") ? places[1] : found;
    const view = this.model.views.find((view) => view.name === name) || this.model.views[0];
    const wanted = hash.get(key);
    const names = [wanted, hash.get("key") && wanted + " (" + hash.get("key") + ")"];
    let row = null;
    const look = (at) => {
      for (const child of at.children) {
        if (row) return;
        if (child.dimension === key && names.includes(child.name)) row = child;
        else look(child);
      }
    };
    look(view.root);
    if (!row && hash.has("section")) row = find(view.root, [hash.get("section")]);
    this.state.view = view.name;
    this.state.q = "";
    [this.state.metagraph, this.state.signature] = ["", ""];
    const cause = "avoidable:" + hash.get("finding");
    if (this.colourings.some((one) => one.id === cause)) this.state.colour = cause;
    this.selected = row && row.parent ? row : null;
    const at = row && row.parent ? (row.children.length ? row : row.parent) : view.root;
    this.state.path = pathOf(at).map((row) => row.name);
    this.scroll = true;
  }

  write(isStep) {
    const { state, model } = this;
    const pairs = [["m", String(model.number)], ["view", state.view]];
    if (state.colour !== this.colourings[0].id) pairs.push(["colour", state.colour]);
    if (state.metagraph) pairs.push(["metagraph", state.metagraph]);
    if (state.signature) pairs.push(["signature", state.signature]);
    if (state.q) pairs.push(["q", state.q]);
    if (state.sort !== this.table.usual() || !state.down) pairs.push(["sort", state.sort], ["order", state.down ? "down" : "up"]);
    let hash = "#" + pairs.map(([key, value]) => key + "=" + encodeURIComponent(value)).join("&");
    if (state.path.length) hash += "&path=" + state.path.map(encodeURIComponent).join("/");
    try {
      history[isStep ? "pushState" : "replaceState"](null, "", hash);
    } catch {
      // A page in a frame may have no history of its own.
    }
  }

  draw() {
    const { state, model } = this;
    this.view = model.views.find((view) => view.name === state.view);
    this.colouring = this.colourings.find((one) => one.id === state.colour);
    const signature = this.signatures.indexOf(state.signature);
    const passes = !state.metagraph && signature < 0 ? null : model.facets.map((facet) =>
      (!state.metagraph || facet.metagraph === state.metagraph) &&
      (signature < 0 || (facet.reached !== undefined && facet.reached.includes(signature))));
    measure(this.view.root, passes, model.facets.map((facet) => this.colouring.colour(facet)));
    search(this.view.root, state.q.trim().toLowerCase());
    this.at = find(this.view.root, state.path);
    state.path = pathOf(this.at).map((row) => row.name);
    this.part(".view").value = state.view;
    this.part(".colour").value = state.colour;
    this.part(".metagraph").value = state.metagraph;
    this.part(".signature").value = state.signature;
    if (this.part(".search").value !== state.q) this.part(".search").value = state.q;
    this.drawCrumbs();
    this.drawMap();
    this.drawTable();
    this.drawLegend();
    this.look(null);
    if (this.scroll) {
      this.scroll = false;
      this.section.scrollIntoView({ block: "start" });
      this.map.focus(this.selected && this.map.nearest(this.selected));
    }
  }

  drawMap() {
    this.map.draw(this.at, this.colouring, this.state.q.trim() !== "");
    this.width = this.part(".map").clientWidth;
  }

  resize() {
    if (this.at && this.part(".map").clientWidth !== this.width) this.drawMap();
  }

  drawTable() {
    const words = this.state.q.trim();
    const hasColour = this.colouring.id !== "category";
    // What did not change takes no room in the treemap, and is a row all the same.
    let rows = this.model.isDiff ? this.at.children : this.at.sorted;
    if (words) {
      rows = [];
      const look = (row) => row.children.filter((child) => this.model.isDiff || child.shown > 0).forEach((child) => {
        if (child.matches) rows.push(child);
        if (child.holds) look(child);
      });
      look(this.at);
    }
    for (const row of rows) {
      row.lit = 0;
      row.colours.forEach((bytes, colour) => (row.lit += colour === PLAIN ? 0 : bytes));
    }
    this.table.draw(rows, this.at, words !== "", hasColour);
    this.table.mark(this.selected);
  }

  drawLegend() {
    const legend = this.part(".legend");
    legend.replaceChildren();
    const entry = (colour, name) => {
      const bytes = this.at.colours.get(colour);
      if (!bytes || !name) return;
      const item = make("li");
      const swatch = make("span", "swatch");
      swatch.style.background = paint(this.colouring, colour);
      item.append(swatch, make("span", "", this.model.isDiff ? name : name + " " + human(bytes)));
      legend.append(item);
    };
    this.colouring.legend.forEach((name, colour) => entry(colour, name));
    entry(PLAIN, this.colouring.rest);
  }

  drawCrumbs() {
    const crumbs = this.part(".crumbs");
    const list = make("ol");
    const path = [this.view.root, ...pathOf(this.at)];
    path.forEach((row, depth) => {
      const item = make("li");
      const name = depth === 0 ? "all" : row.name;
      if (depth === path.length - 1) {
        const here = make("span", "", name);
        here.setAttribute("aria-current", "location");
        item.append(here);
      } else {
        const button = make("button", "", name);
        button.type = "button";
        button.addEventListener("click", () => this.go(row));
        item.append(button);
      }
      list.append(item);
    });
    crumbs.replaceChildren(list);
  }

  say(row) {
    if (row.change) return row.name + " (" + kindOf(row) + "): " + changed(row);
    const of = this.at && row !== this.at ? ", " + share(row.shown, this.at.shown) : "";
    return row.name + " (" + kindOf(row) + "): " + both(row.shown) + of;
  }

  look(row) {
    const shown = row || this.selected || this.at;
    const said = this.part(".said");
    said.textContent = "";
    const count = shown.shownCount ? ", " + plural(shown.shownCount, "item", "items") : "";
    const total = share(shown.shown, this.view.root.shown);
    const path = pathOf(shown).map((at) => at.name).join(" › ") || "all";
    const filtered = this.state.metagraph || this.state.signature ? " of what is chosen" : " of the model";
    const kind = shown.parent ? " (" + kindOf(shown) + ")" : "";
    if (shown.change) said.append(make("strong", "", path), kind + " " + changed(shown));
    else said.append(make("strong", "", path), kind + " " + both(shown.shown) + ", " + total + filtered + count);
    this.map.mark(row || this.selected);
    this.table.mark(row || this.selected);
  }

  open(row, byKey) {
    if (row.children.length > 0) {
      this.go(row, byKey);
    } else if (row.parent !== this.at && row.parent.parent) {
      this.selected = row;
      this.go(row.parent, byKey);
    } else {
      this.selected = this.selected === row ? null : row;
      this.look(this.selected);
    }
  }

  go(row, byKey) {
    if (this.selected && this.selected.parent !== row) this.selected = null;
    this.state.path = pathOf(row).map((at) => at.name);
    this.table.all = false;
    this.write(true);
    this.draw();
    if (byKey) this.map.focus(this.map.focused);
  }

  up() {
    const from = this.at;
    if (this.selected) {
      this.selected = null;
      this.look(null);
    } else if (from.parent) {
      const hadFocus = this.part(".map").contains(document.activeElement);
      this.go(from.parent);
      if (hadFocus) this.map.focus(this.map.nearest(from));
    } else if (document.getElementById("fleet")) {
      location.hash = "";
    }
  }
}

let current = null;

function show() {
  const hash = readHash();
  const fleet = document.getElementById("fleet");
  const articles = [...document.querySelectorAll("article.model")];
  const wanted = "model-" + hash.get("m");
  const shown = articles.find((article) => article.id === wanted) || (fleet ? null : articles[0]);
  for (const article of articles) article.hidden = article !== shown;
  if (fleet) fleet.hidden = shown !== null;
  current = null;
  if (!shown) return;
  const number = Number(shown.id.slice("model-".length));
  if (!document.getElementById("data-" + number)) return;
  if (!models.has(number)) models.set(number, new Explorer(number));
  current = models.get(number);
  current.read(hash);
}

// Sorts a table that is in the page already by the figures that its cells have.
function sortable(table) {
  table.querySelectorAll("thead th").forEach((th, column) => {
    const button = make("button", "", th.textContent);
    button.type = "button";
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const body = table.tBodies[0];
      const isFigure = th.classList.contains("figure");
      const down = th.getAttribute("aria-sort") ? th.getAttribute("aria-sort") === "ascending" : isFigure;
      const of = (tr) => {
        const cell = tr.cells[column];
        return isFigure ? Number(cell.dataset.sort || 0) : cell.textContent;
      };
      const rows = [...body.rows].sort((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0) * (down ? -1 : 1));
      body.replaceChildren(...rows);
      for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  });
}

// Light or dark: as the system has it, until it is switched here.
function theme() {
  const button = make("button", "theme");
  button.type = "button";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const label = () => (button.textContent = isDark() ? "light" : "dark");
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    label();
  });
  dark.addEventListener("change", label);
  label();
  document.querySelector("header").append(button);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !current) return;
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    current.part(".search").focus();
  } else if (event.key === "Escape" && !isTyping) {
    event.preventDefault();
    current.up();
  }
});

document.documentElement.classList.add("js");
document.querySelectorAll("table.fleet").forEach(sortable);
theme();
addEventListener("hashchange", show);
addEventListener("popstate", show);
show();
document.documentElement.dataset.ready = "true";
