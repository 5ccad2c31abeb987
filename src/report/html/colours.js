// What is coloured: each facet has one colour, and a legend says which is which.

// Colours are numbers of the style sheet's; -1 is what is not coloured.
const PLAIN = -1;

// The name of a signature, with its metagraph where there are several.
function signatureName(model, signature) {
  const several = new Set(model.signatures.map((other) => other.metagraph)).size > 1;
  return several ? signature.name + " of " + signature.metagraph : signature.name;
}

function colourings(model) {
  if (model.isDiff) {
    const colour = (facet) => model.categories.indexOf(facet.category);
    return [{ id: "category", name: "change", legend: model.categories, classes: [6, 11, 10, 0, 5, 9], colour, rest: "" }];
  }
  const dtypes = [];
  const sums = new Map();
  const all = (row) => {
    for (const [facet, bytes] of row.parts) {
      const dtype = model.facets[facet].dtype;
      if (dtype) sums.set(dtype, (sums.get(dtype) || 0) + bytes);
    }
    row.children.forEach(all);
  };
  all(model.views[0].root);
  dtypes.push(...[...sums.entries()].sort((a, b) => b[1] - a[1]).map(([name]) => name));
  const states = ["redundant", "zero", "fill"];
  const said = { redundant: "duplicate", zero: "zeros throughout", fill: "one value throughout" };
  // Two colours: what it is about, and all else.
  const about = (id, name, legend, rest, is) => ({
    id, name, legend: [legend], rest, classes: [10], colour: (facet) => (is(facet) ? 0 : PLAIN),
  });
  const claimed = (facet) => facet.claimed || [];
  const causes = model.findings.map((id, at) =>
    about("avoidable:" + id, "avoidable by " + id, id, "not claimed by it", (facet) => claimed(facet).includes(at)));
  const avoidable = about("avoidable", "avoidable", "avoidable", "needed, as far as is known", (facet) => claimed(facet).length > 0);
  const unreached = about("unreached", "not reached by any signature", "not reached by any signature",
    "reached, or nothing that signatures need", (facet) => facet.reached !== undefined && facet.reached.length === 0);
  const others = model.signatures.map((signature, at) =>
    about("unreached:" + signatureName(model, signature), "not reached by " + signatureName(model, signature),
      "not reached by " + signatureName(model, signature), "reached, or nothing that signatures need",
      (facet) => facet.reached !== undefined && !facet.reached.includes(at)));
  return [
    // What a remedy frees may have no place at all, as where a text is written as binary.
    ...(model.facets.some((facet) => claimed(facet).length > 0) ? [avoidable] : []),
    {
      id: "category",
      name: "category",
      legend: model.categories,
      colour: (facet) => model.categories.indexOf(facet.category),
      rest: "",
    },
    {
      id: "duplicate",
      name: "duplicates",
      legend: states.map((state) => said[state]),
      colour: (facet) => states.indexOf(facet.state),
      classes: [10, 4, 5],
      rest: "unique",
    },
    {
      id: "dtype",
      name: "element type",
      legend: [...dtypes.slice(0, 8), ...(dtypes.length > 8 ? ["other types"] : [])],
      colour: (facet) => (facet.dtype === undefined ? PLAIN : Math.min(dtypes.indexOf(facet.dtype), 8)),
      rest: "of no type",
    },
    ...(causes.length > 1 ? causes : causes.slice(0, 1)),
    ...(others.length ? [unreached] : []),
    ...(others.length > 1 ? others : []),
  ];
}

// The variable of the style sheet for a colour of a colouring.
function paint(colouring, colour) {
  if (colour === PLAIN) return "var(--plain)";
  return "var(--c" + (colouring.classes ? colouring.classes[colour] : colour) + ")";
}

// The background of a box: its colours side by side, each as wide as its share.
function background(colouring, row) {
  const parts = [...row.colours.entries()].filter(([, bytes]) => bytes > 0).sort((a, b) => b[1] - a[1]);
  if (parts.length === 1) return paint(colouring, parts[0][0]);
  // Colour comes first, so that it is seen how much of a box it is.
  if (colouring.id !== "category") parts.sort((a, b) => (a[0] === PLAIN) - (b[0] === PLAIN) || a[0] - b[0]);
  const stops = [];
  let at = 0;
  for (const [colour, bytes] of parts) {
    const to = at + (100 * bytes) / row.shown;
    stops.push(paint(colouring, colour) + " " + at.toFixed(2) + "% " + to.toFixed(2) + "%");
    at = to;
  }
  return "linear-gradient(90deg, " + stops.join(", ") + ")";
}
