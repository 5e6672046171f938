// report.mjs REPORT.html FACTS.json CHROMIUM [PICTURES]: opens a report as readers do, at 400 and 1400 pixels, in light
// and dark, and on paper, and saves what it looks like in the folder PICTURES. Prints a line for each fault and exits with 1 if there is one. FACTS.json is a list of
// {file, task, contestant, rate, low, high}, numbers as text, which the page's attributes have to equal.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [report, facts, executablePath, pictures] = process.argv.slice(2);
const MEGABYTE = 1_000_000;
const SECOND = 1000;
const LOADS = 5;
const LEAST_TEXT = 10; // pixels

const faults = [];
const need = (holds, fault) => holds || faults.push(fault);

const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox', // containers have no user namespaces
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
try {
  need(statSync(report).size < MEGABYTE, `weight: need < ${MEGABYTE} bytes, got ${statSync(report).size}`);
  for (const width of [400, 1400]) {
    for (const colorScheme of ['light', 'dark']) {
      await open(width, colorScheme);
    }
  }
} finally {
  await browser.close();
}
faults.forEach((fault) => console.log(fault));
process.exitCode = faults.length ? 1 : 0;

async function open(width, colorScheme) {
  const where = `${width} ${colorScheme}`;
  const phone = width === 400;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, isMobile: phone, hasTouch: phone });
  const url = pathToFileURL(report).href;
  page.on('console', (message) => need(message.type() !== 'error', `${where}: console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`${where}: error: ${error}`));
  page.on('request', (request) => need(/^data:/.test(request.url()) || request.url() === url, `${where}: request: ${request.url()}`));
  let load = Infinity; // the least of some, for others use this machine as well
  for (let k = 0; k < LOADS && load >= SECOND; k++) {
    await page.goto(url, { waitUntil: 'load' });
    load = Math.min(load, await page.evaluate(() => performance.getEntriesByType('navigation')[0].loadEventEnd));
  }
  need(load < SECOND, `${where}: load: need < ${SECOND} ms, got ${load}`);
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  need(content <= width && window <= width, `${where}: need a body of ${width} pixels, got ${content} in ${window}`);

  numbers(where, await page.$$eval('tr[data-rate]', (rows) => rows.map((row) => ({ ...row.dataset }))));
  const small = await page.$$eval('svg.chart text', (texts) => Math.min(...texts.map((it) => it.getBoundingClientRect().height)));
  need(small >= LEAST_TEXT, `${where}: need text of ${LEAST_TEXT} pixels, got ${small}`);
  const [ground, text] = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]);
  const light = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, c) => sum + +c, 0) > 384;
  need(light(ground) === (colorScheme === 'light') && light(text) !== light(ground), `${where}: need ${colorScheme} ground, got ${ground} under ${text}`);
  const beyond = await cut(page);
  need(beyond.length === 0, `${where}: cut off at the edge of their chart: ${beyond.join('; ')}`);
  if (pictures) await page.screenshot({ path: join(pictures, `report-${width}-${colorScheme}.png`), fullPage: true });

  if (!phone && colorScheme === 'dark') { // paper is white whatever the screen is
    await page.emulateMedia({ media: 'print' });
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    need(light(paper), `print: need a light ground, got ${paper}`);
    const closed = await page.$$eval('details.paper', (all) => all.filter((it) => it.querySelector('table').getBoundingClientRect().height === 0).length);
    need(closed === 0, `print: ${closed} tables are closed`);
    if (pictures) await page.pdf({ path: join(pictures, 'report.pdf'), format: 'A4' });
  }
  await page.close();
}

/** Texts of charts that reach out of them. */
function cut(page) {
  return page.$$eval('svg.chart', (charts) =>
    charts.flatMap((chart) => {
      const box = chart.getBoundingClientRect();
      return [...chart.querySelectorAll('text')].filter((it) => {
        const text = it.getBoundingClientRect();
        return text.right > box.right + 1 || text.left < box.left - 1 || text.top < box.top - 1 || text.bottom > box.bottom + 1;
      }).map((it) => it.textContent);
    }));
}

function numbers(where, rows) {
  const key = (it) => [it.file, it.task, it.contestant].join(' | ');
  const rates = (it) => [it.rate, it.low, it.high].join(' ');
  const expected = new Map(JSON.parse(readFileSync(facts, 'utf8')).map((it) => [key(it), rates(it)]));
  need(expected.size > 0, 'facts: need some, got none');
  for (const row of rows) {
    need(expected.get(key(row)) === rates(row), `${where}: ${key(row)}: need ${expected.get(key(row))}, got ${rates(row)}`);
    expected.delete(key(row));
  }
  need(expected.size === 0, `${where}: need rows of ${[...expected.keys()].join('; ')}`);
}
