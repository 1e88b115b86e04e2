// The parts of the page above and below the tests. Each is made from the summary, and absent if it has nothing to say.

function verdictOf({ title, verdict, facts, commands }) {
  const known = Object.fromEntries(facts);
  const about = [known.Validated, known.Branch && `on ${known.Branch}`, known.Commit && `at ${known.Commit.slice(0, 12)}`].filter(Boolean).join(" ");
  const line = [about, known.Date, known.Took].filter(Boolean).join(", ");
  const all = commands.find(([comment]) => comment === "everything");
  return make("header", {},
    make("h1", {}, title),
    make("div", { className: verdict.passed ? "verdict passed" : "verdict" },
      make("div", { className: "word", role: "status" }, `${verdict.passed ? "✓" : "✗"} ${verdict.word}`),
      make("p", { className: "sentence" }, verdict.sentence),
      make("p", { className: "facts" }, line),
      all ? make("p", { className: "facts" }, code(all[1]), copier(all[1], "the command that runs everything")) : null));
}

function weakened(one) {
  const accept = `--accept-weakened '${one.id}=REASON'`;
  const side = (text, tone) => (text ? lines(text, () => tone, tone === "del" ? "On the base" : "Here") : make("p", { className: "soft" }, "nothing"));
  return make("article", { className: "test" },
    make("h3", {}, code(one.where), one.place ? soft(` ${one.place}`) : null),
    make("p", {}, capital(one.what)),
    one.accepted ? make("p", { className: "mild" }, `Accepted: ${one.accepted}`) : null,
    one.before || one.after ? sides(["On the base", side(one.before, "del")], ["Here", side(one.after, "add")]) : null,
    one.mutant ? make("p", {}, "Only the base's test finds this fault:") : null,
    one.mutant ? diff(one.mutant, "The fault") : null,
    one.accepted ? null : make("p", { className: "soft" }, "To accept it, say why: ", code(accept), copier(accept, "the option that accepts it")));
}

function weakenedOf(view) {
  if (!view) return [];
  const hints = view.hints.length ? fold(`Perhaps weaker: ${many(view.hints.length, "hint")}, which fail nothing`, view.hints.map(weakened)) : null;
  return view.weaker.length ? [section("Weaker than on the base", view.weaker.map(weakened), hints)] : [hints];
}

// A place on the line of a run: each stretch is a start, a length and a tone.
function trackOf(stretches, end, words) {
  const bars = stretches.map(([start, length, tone]) => {
    const bar = make("span", { className: `bar ${tone}` });
    bar.style.left = `${(100 * start) / end}%`;
    bar.style.width = `${(100 * length) / end}%`;
    return bar;
  });
  return make("div", { className: "track", role: "img", "aria-label": words, title: words }, ...bars);
}

const scaleOf = (end) => make("span", { className: "scale" }, make("span", {}, "0s"), make("span", {}, "When"), make("span", {}, seconds(end)));

function lanesOf(lanes, end) {
  const rows = lanes.map(({ gate, worker, tests, stretches }) => {
    const busy = stretches.reduce((sum, [, length]) => sum + length, 0);
    const failed = stretches.filter(([, , bad]) => bad).length;
    const words = `busy for ${seconds(busy)}${failed ? `, failures in ${many(failed, "place")}` : ""}`;
    return [[code(gate)], worker, tests.toLocaleString("en"), [trackOf(stretches.map(([start, length, bad]) => [start, length, bad ? "bad" : "good"]), end, words)]];
  });
  return fold(`Workers over time: ${many(rows.length, "worker")}`, table(["Gate", "Worker", "Tests", [scaleOf(end)]], rows, "Workers over time"));
}

function gatesOf({ gates, spans, lanes }) {
  const end = Math.max(0.001, ...spans.map(([start, length]) => start + length));
  const rows = gates.map((gate, index) => {
    const [start, length] = spans[index] || [0, 0];
    const tone = gate.passed ? "good" : /^(SKIPPED|COULD NOT RUN)/.test(gate.status) ? "mild" : "bad";
    const track = length ? trackOf([[start, length, tone]], end, `from ${seconds(start)} to ${seconds(start + length)}`) : "";
    const status = make("span", { className: `mark ${tone}` }, gate.status);
    return [[code(gate.name)], [status], gate.time, { wide: [track] }, gate.notes, { wide: gate.command ? [copier(gate.command, `the command of gate ${gate.name}`)] : "" }];
  });
  return section("Gates", table(["Gate", "Status", "Time", { wide: [scaleOf(end)] }, "Notes", { wide: "Command" }], rows, "Gates"), lanesOf(lanes, end));
}

function reasonsOf({ reasons }) {
  return reasons.map((reason) => make("article", { className: "test" },
    make("h3", {}, code(reason.name), ` ${reason.words}`),
    block(reason.lines.join("\n"), `What ${reason.name} says`),
    reason.log ? make("p", { className: "soft" }, "Whole log: ", code(reason.log)) : null));
}

// Tests that changed, with both sides. `base` has those whose result on the base is known.
function changedOf(base, show) {
  const rows = base.map((one) => [
    [make("button", { className: "plain mono", type: "button", onclick: () => show(one) }, one.test)],
    [mark(one.outcome), soft(` ${seconds(one.seconds)}`)],
    one.now ? [mark(one.now.outcome), soft(` ${seconds(one.now.seconds)}`)] : "",
  ]);
  return fold(`Tests that changed: ${many(rows.length, "test")}`, table(["Test", "Base", "Head"], rows, "Tests that changed"));
}

function comparisonOf(view, base, show) {
  if (!view) return null;
  const lists = view.lists.map(([words, ids]) => fold(`${capital(words)} (${ids.length.toLocaleString("en")})`, list(ids.map(code))));
  const again = table(["Test", "Finding", "Failed"], view.confirmations.map(([test, finding, counts]) => [[code(test)], finding, counts]), "Run again on both sides");
  const changed = changedOf(base, show);
  if (changed) changed.open = base.length <= 12;
  return section(`Comparison: ${view.base} vs ${view.head}`,
    make("p", { className: view.regression || view.blocked ? "bad strong" : "good strong" }, `${capital(view.words)}.`),
    table(["Aspect", "Base", "Head"], view.rows, "Base and head"),
    again ? [make("h3", {}, "Run again on both sides"), again] : null,
    changed, lists, list(view.notes));
}

function exclusionsOf({ exclusions, quarantine }) {
  const rows = [...exclusions, ...quarantine].map(({ record, fault }) => [[code(record.name)], String(record.tests), record.category, record.reason, record.owner, fault ? [make("span", { className: "bad" }, `${record.expires}: ${fault}`)] : record.expires, [code(record.filter)]]);
  return section("Test exclusions", table(["Entry", "Tests", "Category", "Reason", "Owner", "Expires", "Filter"], rows, "Exclusions and quarantine"));
}

function changesOf(changes) {
  if (!changes || !(changes.commits.length || changes.groups.length)) return null;
  return fold(`Changes against the base: ${changes.line}`,
    list(changes.commits.map(([commit, subject]) => [code(commit.slice(0, 12)), ` ${subject}`])),
    changes.groups.map((group) => [
      make("h3", {}, group.title),
      table(["File", "Status", "Added", "Removed"], group.files.map((file) => [[code(file.path)], file.status ?? "M", file.added ?? "", file.removed ?? ""]), group.title),
    ]).flat());
}

function restOf(summary) {
  const ticked = summary.checklist.filter((item) => item.checked).length;
  const boxes = summary.checklist.map((item) => make("li", {}, make("span", { className: item.checked ? "good" : "mild", "aria-label": item.checked ? "shown" : "open", role: "img" }, item.checked ? "☑" : "☐"), ` ${item.text}`, item.why ? soft(` (${item.why})`) : null));
  const commands = summary.commands.map(([comment, command]) => make("div", {}, make("h3", {}, capital(comment), copier(command, `the command for ${comment}`)), block(command, capital(comment))));
  const pairs = (title, rows) => fold(title, table(["What", "Value"], rows.map(([what, value]) => [what, [code(value)]]), title));
  const skipped = summary.tests?.skipped ?? [];
  return section("More",
    fold(`Skipped: ${many(skipped.reduce((sum, [, count]) => sum + count, 0), "test")}`, table(["Reason", "Tests"], skipped.map(([reason, count]) => [reason, count.toLocaleString("en")]), "Why tests were skipped")),
    summary.warnings && fold(summary.warnings.line, list(summary.warnings.groups)),
    changesOf(summary.changes),
    fold(`Pre-merge checklist: ${ticked} of ${summary.checklist.length} shown`, make("ul", { className: "box" }, ...boxes)),
    fold("Reproduce", commands),
    pairs("Environment", summary.environment),
    fold("Known limits", list(summary.notes)),
    pairs("About this run", summary.facts),
    fold("Logs and raw results", table(["What", "Path", "Digest"], summary.evidence.map((file) => [file.what, [code(file.path)], [code(file.digest)]]), "Files")));
}
