// Makes the pictures of the documentation: `node pictures.mjs`, with SMAUDIT and CHROMIUM as for the tests.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const ROOT = resolve(import.meta.dirname, "../..");
const SMAUDIT = process.env.SMAUDIT || join(ROOT, "target/release/smaudit");
const folder = mkdtempSync(join(tmpdir(), "smaudit-pictures-"));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [name, model, colorScheme, hash, height] of [
  ["page-light", "fixtures/keras-lstm", "light", "", 1120],
  ["page-dark", "fixtures/two-metagraphs", "dark", "#m=0&view=section%2C%20op&colour=duplicate", 1120],
]) {
  const file = join(folder, name + ".html");
  execFileSync(SMAUDIT, [model, "-f", "html", "-o", file], { cwd: ROOT });
  const page = await browser.newPage({ viewport: { width: 1280, height }, deviceScaleFactor: 0.75, colorScheme });
  await page.goto("file://" + file + hash);
  await page.waitForSelector("html[data-ready]");
  await page.screenshot({ path: join(ROOT, "docs/images", name + ".png") });
}
await browser.close();
rmSync(folder, { recursive: true });
