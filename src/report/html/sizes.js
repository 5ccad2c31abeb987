// Sizes, shares and counts as the report says them.

const UNITS = ["kB", "MB", "GB", "TB", "PB", "EB"];

function exact(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function plural(number, one, many) {
  return exact(number) + " " + (number === 1 ? one : many);
}

// Three digits and a decimal unit: 30.0 MB.
function human(size) {
  if (size < 1000) return plural(size, "byte", "bytes");
  const digits = String(size).length - 1;
  const unit = Math.floor(digits / 3);
  const decimals = 2 - (digits % 3);
  return (size / 1000 ** unit).toFixed(decimals) + " " + UNITS[unit - 1];
}

function both(size) {
  return size < 1000 ? human(size) : human(size) + " (" + plural(size, "byte", "bytes") + ")";
}

// Only nothing is 0% and only all of it is 100%.
function share(part, whole) {
  if (whole === 0) return "-";
  if (part === 0) return "0%";
  if (part === whole) return "100%";
  const perMille = Math.floor((part * 1000 + whole / 2) / whole);
  if (perMille === 0) return "<0.1%";
  if (perMille >= 1000) return ">99.9%";
  return (perMille / 10).toFixed(1) + "%";
}

function signed(delta, say) {
  return (delta > 0 ? "+" : delta < 0 ? "-" : "") + say(Math.abs(delta));
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
