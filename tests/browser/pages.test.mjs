// What a browser makes of the pages that smaudit writes. `SMAUDIT` is the command, `CHROMIUM` the browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { writeLarge } from "./large.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const SMAUDIT = process.env.SMAUDIT || join(ROOT, "target/release/smaudit");
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "smaudit-browser-"));
let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

// Runs smaudit; a model with problems or findings is a report as well.
function smaudit(args, cwd = ROOT) {
  try {
    return execFileSync(SMAUDIT, args, { cwd, encoding: "utf8", maxBuffer: 1 << 30 });
  } catch (error) {
    if (error.status > 3 || error.status === null) throw error;
    return error.stdout;
  }
}

let written = 0;

function write(args, cwd) {
  const file = join(folder, "page-" + written++ + ".html");
  writeFileSync(file, smaudit([...args, "--format", "html"], cwd));
  return file;
}

// Opens a page, and fails at the end for whatever it should not have done.
async function open(file, { hash = "", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.on("console", (message) => page.wrong.push("console: " + message.text()));
  page.on("pageerror", (error) => page.wrong.push("error: " + error.message));
  page.on("dialog", (dialog) => {
    page.wrong.push("dialog: " + dialog.message());
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith("file://" + file) && !request.url().startsWith("data:")) page.wrong.push("request: " + request.url());
  });
  await page.goto("file://" + file + hash);
  if (options.javaScriptEnabled !== false) await page.waitForSelector("html[data-ready]");
  page.done = async () => {
    assert.deepEqual(page.wrong, []);
    await context.close();
  };
  return page;
}

const shown = ":visible";
const crumbs = (page) => page.locator(".crumbs" + shown).innerText().then((text) => text.split("\n").filter(Boolean).join(" › "));
const names = (page) => page.locator(".rows" + shown + " tbody td.name > :first-child").allInnerTexts();
const figures = async (page, column) => {
  const texts = await page.locator(".rows" + shown + ` tbody td:nth-child(${column})`).allInnerTexts();
  return texts.map((text) => Number(text.replaceAll(",", "") || 0));
};
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const choose = (page, select, value) => page.locator("." + select + shown).selectOption(value);

describe("one model", () => {
  let file;
  let report;
  before(() => {
    file = write(["fixtures/two-metagraphs"]);
    report = JSON.parse(smaudit(["fixtures/two-metagraphs", "--json"])).models[0];
  });

  test("sums of rows are the report's, whatever they are by, coloured by and restricted to", async () => {
    const page = await open(file);
    const views = await page.locator(".view" + shown + " option").evaluateAll((all) => all.map((one) => one.value));
    assert.ok(views.length >= 6);
    for (const view of views) {
      await choose(page, "view", view);
      assert.equal(sum(await figures(page, 2)), report.total_bytes, view);
      await choose(page, "colour", "duplicate");
      const redundant = await page.locator(".legend" + shown).innerText();
      assert.match(redundant, /duplicate 70\.9 kB/, view);
    }
    await choose(page, "view", "category");
    for (const [name, bytes] of Object.entries(report.categories).filter(([, bytes]) => bytes > 0)) {
      const at = (await names(page)).indexOf(name);
      assert.equal((await figures(page, 2))[at], bytes, name);
    }
    for (const graph of report.meta_graphs) {
      const label = "#" + graph.index + " " + graph.tags.join(",");
      await choose(page, "metagraph", label);
      const by = JSON.parse(smaudit(["fixtures/two-metagraphs", "--json", "--by", "category", "--only", "metagraph=" + label]));
      assert.equal(sum(await figures(page, 2)), sum(by.models[0].breakdown.rows.map((row) => row.bytes)), label);
    }
    await choose(page, "metagraph", "");
    for (const graph of report.meta_graphs) {
      for (const signature of graph.signatures) {
        await choose(page, "signature", signature.name + " of #" + graph.index + " " + graph.tags.join(","));
        assert.equal(sum(await figures(page, 2)), signature.reachable_bytes, signature.name);
      }
    }
    await page.done();
  });

  test("a click goes into a box, a crumb and Esc go back, and the address says where", async () => {
    const page = await open(file);
    await page.locator('.box[aria-label^="graph_def (category)"]').click({ position: { x: 10, y: 8 } });
    assert.equal(await crumbs(page), "all › graph_def");
    assert.match(page.url(), /path=graph_def/);
    assert.equal(sum(await figures(page, 2)), report.categories.graph_def);
    await page.keyboard.press("Escape");
    assert.equal(await crumbs(page), "all");
    await page.goBack();
    assert.equal(await crumbs(page), "all › graph_def");
    await page.locator(".crumbs button").first().click();
    assert.equal(await crumbs(page), "all");
    await page.done();
  });

  test("the address leads to the same view", async () => {
    const page = await open(file, { hash: "#m=0&view=section%2C%20op&colour=dtype&path=graph_def&sort=name&order=up" });
    assert.equal(await crumbs(page), "all › graph_def");
    assert.equal(await page.locator(".colour" + shown).inputValue(), "dtype");
    const found = await names(page);
    assert.deepEqual(found, [...found].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)));
    await page.done();
    for (const hash of ["#m=9", "#path=%", "#view=none&colour=no&path=a/b", "#m=0&variable=gone"]) {
      const odd = await open(file, { hash });
      assert.equal(sum(await figures(odd, 2)), report.total_bytes, hash);
      await odd.done();
    }
  });

  test("/ searches, Esc leaves the search, and a found row leads to its place", async () => {
    const page = await open(file);
    await page.keyboard.press("/");
    await page.keyboard.type("weights");
    assert.deepEqual(await names(page).then((all) => all.length > 0), true);
    assert.ok((await page.locator(".box.match").count()) > 0);
    assert.ok((await page.locator(".box.dim").count()) > 0);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".search" + shown).inputValue(), "");
    assert.equal(await page.locator(".box.dim").count(), 0);
    await page.done();
  });

  test("the keyboard walks the boxes and the rows", async () => {
    const page = await open(file);
    await page.locator('.box[tabindex="0"]').focus();
    const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    const first = await focused();
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await focused(), first);
    await page.keyboard.press("ArrowLeft");
    assert.equal(await focused(), first);
    await page.keyboard.press("ArrowDown");
    assert.notEqual(await focused(), first);
    await page.keyboard.press("ArrowUp");
    assert.equal(await focused(), first);
    await page.keyboard.press("Enter");
    assert.notEqual(await crumbs(page), "all");
    await page.keyboard.press("Escape");
    await page.locator(".rows tbody tr").first().focus();
    await page.keyboard.press("ArrowDown");
    const row = await page.evaluate(() => [...document.activeElement.parentNode.children].indexOf(document.activeElement));
    assert.equal(row, 1);
    await page.done();
  });

  test("a heading sorts the table and says so", async () => {
    const page = await open(file);
    await page.locator(".rows th button", { hasText: "count" }).click();
    const counts = await figures(page, 4);
    assert.deepEqual(counts, [...counts].sort((a, b) => b - a));
    assert.equal(await page.locator(".rows th", { hasText: "count" }).getAttribute("aria-sort"), "descending");
    await page.done();
  });

  test("evidence leads to its place", async () => {
    const page = await open(file);
    await page.locator(".finding[open] a.place").first().click();
    assert.equal(await page.locator(".colour" + shown).inputValue(), "avoidable:constant-in-every-metagraph");
    assert.equal(await crumbs(page), "all › graph_def");
    await page.done();
    const slots = write(["tests/pathologies/optimizer-slots/bloated"]);
    const other = await open(slots);
    await other.locator(".finding[open] a.place").first().click();
    assert.equal(await other.locator(".view" + shown).inputValue(), "variable");
    assert.match(await other.locator(".said" + shown).innerText(), /^Adam\/[mv]\/dense\/kernel/);
    await other.done();
  });

  test("it is dark or light as the system is, and as the switch says", async () => {
    const ground = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    for (const [colorScheme, own, other] of [["dark", "rgb(21, 24, 28)", "rgb(255, 255, 255)"], ["light", "rgb(255, 255, 255)", "rgb(21, 24, 28)"]]) {
      const page = await open(file, { colorScheme });
      assert.equal(await ground(page), own);
      await page.locator(".theme").click();
      assert.equal(await ground(page), other);
      await page.done();
    }
  });

  test("without JavaScript the answer, the causes and the tables are there", async () => {
    const page = await open(file, { javaScriptEnabled: false });
    const text = await page.locator("body").innerText();
    for (const said of ["118 kB (118,316 bytes)", "avoidable: 79.8 kB, 67.4% of the model", "largest items", "graph_def"]) {
      assert.ok(text.includes(said), said);
    }
    await page.done();
  });

  test("axe finds nothing serious, in light and dark, wide and narrow", async () => {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 400]) {
        for (const hash of ["", "#m=0&view=scope&colour=category", "#m=0&q=const", "#m=0&colour=dtype"]) {
          const page = await open(file, { colorScheme, hash, bypassCSP: true, viewport: { width, height: 900 } });
          await page.evaluate(AXE);
          const { violations } = await page.evaluate(() => axe.run());
          const serious = violations.filter((one) => ["serious", "critical"].includes(one.impact));
          const said = serious.map((one) => one.id + ": " + one.nodes.slice(0, 3).map((node) => node.html + " " + node.failureSummary).join("\n"));
          assert.deepEqual(said, [], colorScheme + " " + width + " " + hash);
          const overflows = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
          assert.ok(!overflows, "nothing is wider than the page at " + width);
          await page.done();
        }
      }
    }
  });
});

test("of several models a table leads to each, sorted by any column", async () => {
  const page = await open(write(["fixtures/keras-export", "fixtures/sharded", "fixtures/keras-lstm"]));
  const paths = () => page.locator(".fleet tbody td:first-child").allInnerTexts();
  await page.locator(".fleet th button", { hasText: "size" }).click();
  assert.equal((await paths())[0], "keras-lstm");
  await page.locator(".fleet th button", { hasText: "model" }).click();
  assert.deepEqual(await paths(), ["keras-export", "keras-lstm", "sharded"]);
  await page.locator(".fleet a", { hasText: "sharded" }).click();
  assert.equal(await page.locator("h1" + shown).innerText(), "fixtures/sharded");
  assert.ok((await page.locator(".box" + shown).count()) > 0);
  await page.locator(".up a" + shown).click();
  assert.ok(await page.locator(".fleet").isVisible());
  await page.done();
});

test("a diff has the table first, its deltas add up, and boxes say what became of them", async () => {
  const file = join(folder, "diff.html");
  writeFileSync(file, smaudit(["diff", "fixtures/versions/1", "fixtures/versions/2", "--format", "html"]));
  const delta = JSON.parse(smaudit(["diff", "fixtures/versions/1", "fixtures/versions/2", "--json"])).delta_bytes;
  const page = await open(file);
  const [table, map] = await Promise.all([".rows", ".map"].map((part) => page.locator(part).boundingBox()));
  assert.ok(table.x < map.x, "the table is on the left");
  assert.equal(sum(await figures(page, 4)), delta);
  assert.match(await page.locator(".box").first().getAttribute("aria-label"), / → .*, [+-]/);
  await choose(page, "view", "size");
  assert.equal(sum(await figures(page, 4)), delta);
  await page.done();
});

test("names that are markup, ends of scripts, bidi and control characters stay names", async () => {
  const hostile = join(folder, "<img src=x onerror=alert(1)>");
  const names = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", "\"><svg onload=alert(3)>", "a\u202eb\u2028c\u0007d", "javascript:alert(4)", "&lt;i&gt;"];
  const quoted = (name) => '"' + [...Buffer.from(name)].map((byte) => "\\" + byte.toString(8).padStart(3, "0")).join("") + '"';
  const node = (name) => `node { name: ${quoted(name)} op: ${quoted(name)} }`;
  const signature = (name) => `signature_def { key: ${quoted(name)} value { outputs { key: ${quoted(name)} value { name: ${quoted(name)} } } } }`;
  mkdirSync(join(hostile, "assets"), { recursive: true });
  writeFileSync(join(hostile, "assets", "<b onclick=alert(5)>"), "text");
  writeFileSync(join(hostile, "saved_model.pbtxt"), `saved_model_schema_version: 1 meta_graphs { meta_info_def { ${names.map((name) => "tags: " + quoted(name)).join(" ")} } graph_def { ${names.map(node).join(" ")} library { ${names.map((name) => `function { signature { name: ${quoted(name)} } node_def { name: ${quoted(name)} op: ${quoted(name)} } }`).join(" ")} } } ${names.map(signature).join(" ")} }`);
  const page = await open(write(["."], hostile));
  const views = await page.locator(".view" + shown + " option").evaluateAll((all) => all.map((one) => one.value));
  for (const view of views) {
    await choose(page, "view", view);
    for (const row of await page.locator(".rows tbody tr").all()) await row.hover();
  }
  await choose(page, "view", "section, op");
  await page.locator(".rows tbody tr", { hasText: "graph_def" }).first().click();
  const found = await page.locator(".rows tbody td.name > code").allInnerTexts();
  assert.ok(found.includes(names[0]) && found.includes("a\\u{202e}b\\u{2028}c\\u{7}d"), found.join("\n"));
  await page.keyboard.press("/");
  await page.keyboard.type("</script>");
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  assert.equal(await page.locator("main img, main svg, main script, main b[onclick]").count(), 0);
  await page.done();
});

test("a model of 30,000 functions and 2,000,000 nodes is below 5 MB and there within a second", async () => {
  const large = join(folder, "large");
  await writeLarge(large);
  const file = write([large]);
  rmSync(large, { recursive: true });
  assert.ok(statSync(file).size < 5_000_000, statSync(file).size + " bytes");
  const page = await open(file);
  const ready = await page.evaluate(() => performance.now());
  const timing = await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd);
  console.log("large: " + statSync(file).size + " bytes, ready after " + Math.round(timing) + " ms");
  assert.ok(timing < 1000, timing + " ms, " + ready);
  for (const view of await page.locator(".view" + shown + " option").evaluateAll((all) => all.map((one) => one.value))) {
    await choose(page, "view", view);
    const total = await page.locator(".rows tfoot td:nth-child(2)").first().innerText();
    const whole = await page.evaluate(() => JSON.parse(document.getElementById("data-0").textContent).total);
    assert.equal(Number(total.replaceAll(",", "")), whole, view);
  }
  assert.ok((await page.locator("body").innerText()).includes("smaller rows") || existsSync(file));
  await page.done();
});
