// Shows the report: what decides first, then the tests, which may be many, when the browser has shown that.

const SHOWN_FAILURES = 50;
const OPEN_FAILURES = 3;

// One failure for each cause, in the order of the run.
function failuresOf(tests, browser) {
  const causes = new Map();
  for (const at of tests.failed) {
    const cause = tests.cause(at) === "no cause recorded" ? at : tests.cause(at);
    if (!causes.has(cause)) causes.set(cause, []);
    causes.get(cause).push(at);
  }
  const first = [...causes.values()].slice(0, SHOWN_FAILURES);
  const nodes = first.map(([at, ...others], index) => failureOf(tests, at, { open: index < OPEN_FAILURES, others: others.length, group: () => browser.byCause() }));
  const left = causes.size - first.length;
  return section(`Failures: ${many(tests.failed.length, "test")}`, nodes, left > 0 ? make("p", {}, `… and ${many(left, "more failure")}: search for `, make("a", { href: "#filter=failed(last)" }, code("failed(last)"))) : null);
}

async function showTests(summary, places) {
  const tests = new Tests(await unpacked("tests"), summary.filtered);
  const base = await unpacked("base");
  tests.compare(base);
  await shown();
  const browser = tests.number ? new Browser(tests) : null;
  if (browser) {
    places.tests.append(...[failuresOf(tests, browser), browser.node].filter(Boolean));
    browser.lay();
  }
  const compared = comparisonOf(summary.comparison, base, (one) => one.now && browser.reveal(one.now.at));
  if (compared) places.comparison.append(compared);
  places.pictures.append(...[picturesOf(await unpacked("pictures"))].filter(Boolean));
  if (browser) {
    await browser.follow();
    window.addEventListener("hashchange", () => browser.follow());
  }
}

(async () => {
  const main = document.querySelector("main");
  if (typeof DecompressionStream === "undefined") {
    main.append(make("p", {}, "This browser cannot unpack the data of the report: it has no DecompressionStream."));
    return;
  }
  const summary = await unpacked("summary");
  const places = { tests: make("div", {}), comparison: make("div", {}), pictures: make("div", {}) };
  document.querySelector("header")?.remove();
  main.append(...[
    verdictOf(summary), ...weakenedOf(summary.comparison), gatesOf(summary), section("Why gates failed", reasonsOf(summary)),
    places.tests, places.comparison, places.pictures, exclusionsOf(summary), restOf(summary),
  ].filter(Boolean));
  document.documentElement.dataset.view = "yes";
  await shown();
  // The data of the tests is behind the script, so that the verdict need not wait for it.
  if (document.readyState === "loading") await new Promise((done) => { document.addEventListener("DOMContentLoaded", done, { once: true }); });
  await showTests(summary, places);
  document.documentElement.dataset.ready = "yes";
})();
