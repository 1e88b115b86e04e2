// The tests of the run: columns, which are there at once, and parts with what few tests have, each unpacked when it is asked for.

class Tests {
  constructor(columns, filtered) {
    this.columns = columns;
    this.filtered = new Set(filtered);
    this.number = columns.id.length;
    this.outcomes = ["passed", ...columns.outcomes];
    this.outcomeOf = new Uint8Array(this.number);
    this.indexOf = new Map(columns.at.map((at, index) => [at, index]));
    columns.at.forEach((at, index) => { this.outcomeOf[at] = 1 + (columns.outcome[index] ?? 0); });
    this.failed = columns.at.filter((at) => BAD.has(this.outcome(at)));
    this.quarantined = new Set(columns.quarantined);
    this.parts = new Map();
    this.base = new Map();
    this.folders = new Map();
  }

  id(at) { return this.columns.id[at]; }
  outcome(at) { return this.outcomes[this.outcomeOf[at]]; }
  gate(at) { return this.columns.gates[this.columns.gate[at] ?? 0]; }
  file(at) { return this.columns.files[this.columns.file[at] ?? 0]; }
  seconds(at) { return this.columns.time[at] / 10000; }

  folder(at) {
    const path = this.file(at) || this.id(at);
    if (!this.folders.has(path)) this.folders.set(path, path.replace(/\/?[^/]*$/, "") || "(root)");
    return this.folders.get(path);
  }

  last(at) { return this.columns.lasts[this.columns.last[at] ?? 0] ?? ""; }

  cause(at) {
    const index = this.indexOf.get(at);
    const told = index === undefined ? "" : this.columns.causes[this.columns.cause[index] ?? 0];
    return told || (BAD.has(this.outcome(at)) ? "no cause recorded" : "nothing to tell");
  }

  // A test as the filter language sees it: what results do not record is undefined.
  seen(at) {
    const outcome = this.outcome(at);
    return {
      id: this.id(at), file: this.file(at), seconds: this.seconds(at),
      failed: BAD.has(outcome), flaky: outcome === "flaky", quarantined: this.quarantined.has(at),
    };
  }

  // Whether its id has all words, whatever their case.
  plainly(text) {
    const words = text.toLowerCase().split(/\s+/);
    this.lower ??= this.columns.id.map((id) => id.toLowerCase());
    return (at) => words.every((word) => this.lower[at].includes(word));
  }

  async more(at) {
    const index = this.indexOf.get(at);
    if (index === undefined) return {};
    const { starts } = this.columns;
    let part = starts.length - 1;
    while (part > 0 && starts[part] > index) part -= 1;
    if (!this.parts.has(part)) this.parts.set(part, unpacked(`part-${part}`));
    return (await this.parts.get(part))[index - starts[part]];
  }

  // Its result on the base, for a test that changed.
  before(at) { return this.base.get(`${this.gate(at)}\n${this.id(at)}`); }

  // Takes what the base says about tests that changed, and adds how each ended here.
  compare(base) {
    for (const one of base) this.base.set(`${one.gate}\n${one.test}`, one);
    for (let at = 0; base.length && at < this.number; at += 1) {
      const one = this.before(at);
      if (one) one.now = { at, outcome: this.outcome(at), seconds: this.seconds(at) };
    }
  }

  // The command that runs this test alone; none for a gate whose tests were read from files.
  again(at) {
    const gate = this.gate(at);
    if (!this.filtered.has(gate)) return "";
    const known = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
    const id = this.id(at).replace(/ \(process \d+\)$/, "").replace(/[\\),\n\r\t]|^ /g, (letter) => known[letter] ?? (letter === " " ? "\\u{20}" : `\\${letter}`));
    return `gates run -g ${quoted(gate)} -E ${quoted(`test(=${id})`)}`;
  }

  place(at, more) {
    const line = this.columns.line[at];
    return more.place || (this.file(at) ? `${this.file(at)}${line ? `:${line}` : ""}` : "");
  }
}

const linkOf = (id) => `#test=${encodeURIComponent(id)}`;

const printed = (one, of = "") => [
  one.stdout ? fold(`Output${of}`, block(one.stdout, `Output${of}`)) : null,
  one.stderr ? fold(`Error output${of}`, block(one.stderr, `Error output${of}`)) : null,
];

function attemptOf(one, index) {
  const title = [`Attempt ${index + 1}: ${one.outcome}`, seconds(one.duration ?? 0), one.worker].filter(Boolean).join(", ");
  return fold(title, one.message ? make("p", { className: "message" }, one.message) : make("p", {}, "No message."), trace(one.details), ...printed(one, ` of attempt ${index + 1}`));
}

function subtestOf(one) {
  return fold(`Subtest ${one.name}`, one.message ? make("p", { className: "message" }, one.message) : make("p", {}, "No message."), trace(one.details), ...printed(one, ` of subtest ${one.name}`));
}

function recentOf(letters) {
  if (!letters) return null;
  const tones = { ".": "good", F: "bad", "~": "mild" };
  return make("p", { className: "soft" }, "Last runs: ",
    make("span", { className: "mono recent" }, ...Array.from(letters, (letter) => make("span", { className: tones[letter] ?? "soft" }, letter))),
    " (the oldest first: . passed, F failed, ~ flaky, s left out)");
}

// What one side says about a test; `known` is what stands above it already.
function saidOf(more, known = "") {
  const said = more.message || more.reason || "";
  return [
    said && !known.includes(said) ? make("p", { className: "message" }, said) : null,
    trace(more.details),
    more.whole ? fold("The whole dump", block(more.whole, "The whole dump")) : null,
  ];
}

function bothOf(before, more, outcome, took) {
  const then = [mark(before.outcome), soft(` ${seconds(before.seconds)}`)];
  const now = [mark(outcome), soft(` ${seconds(took)}`)];
  return sides(
    [["On the base: ", ...then], ...saidOf(before), ...printed(before, " on the base")],
    [["Here: ", ...now], ...saidOf(more)],
  );
}

// Everything about a test, for inside its article.
async function insideOf(tests, at, known = "") {
  const more = await tests.more(at);
  const id = tests.id(at);
  const again = tests.again(at);
  const before = tests.before(at);
  const about = [`gate ${tests.gate(at)}`, seconds(tests.seconds(at)), tests.place(at, more), more.worker && `on ${more.worker}`].filter(Boolean).join(", ");
  return [
    make("p", { className: "soft" }, about, " ", make("a", { href: linkOf(id) }, "link to this test")),
    make("p", {}, copier(id, "the id of the test", "Copy id"), again ? copier(again, "the command that runs this test", "Copy command to run it") : null),
    recentOf(tests.last(at)),
    more.quarantine ? make("p", { className: "mild" }, `Quarantined by ${more.quarantine}`) : null,
    ...(before ? [bothOf(before, more, tests.outcome(at), tests.seconds(at))] : saidOf(more, known)),
    ...(more.attempts || []).map(attemptOf),
    ...(more.subtests || []).map(subtestOf),
    more.leaks ? block(more.leaks.join("\n"), "What it left behind") : null,
    ...printed(more),
  ].filter(Boolean);
}

// A failure whose inside is made when it is opened for the first time.
function failureOf(tests, at, { open, others, group }) {
  const id = tests.id(at);
  const cause = tests.cause(at).replace(/ @ \S+$/, "");
  const title = make("summary", {}, make("h3", {}, mark(tests.outcome(at)), " ", code(id)), soft(cause));
  const inside = make("div", {});
  const node = make("details", { className: "failure", data: { id } }, title, inside);
  node.addEventListener("toggle", async () => {
    if (!node.open || inside.childElementCount) return;
    inside.append(...await insideOf(tests, at, cause));
    if (others > 0) {
      const more = make("button", { type: "button" }, `${many(others, "more test")} with this cause`);
      more.addEventListener("click", group);
      inside.append(make("p", {}, more));
    }
  });
  node.open = open;
  return node;
}
