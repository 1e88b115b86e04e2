// Shows the report that is embedded in this page. Every text from a run goes through `textContent`, never through HTML.
"use strict";

(async () => {
  const ROW = 30;
  const SPARE = 12;
  const SHOWN_FAILURES = 50;
  const GOOD = new Set(["passed", "xfailed"]);
  const BAD = new Set(["failed", "error", "timeout", "crashed", "not-run", "interrupted"]);
  const SIGN = { passed: "✓", failed: "✗", error: "✗", timeout: "✗", crashed: "✗", skipped: "–", excluded: "–", xfailed: "✓", flaky: "~", quarantined: "~", xpassed: "!", "not-run": "?", interrupted: "?" };

  // ---- Small helpers.

  function make(name, properties = {}, ...children) {
    const { data, ...rest } = properties;
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(rest)) {
      if (key in node && key !== "role") node[key] = value;
      else node.setAttribute(key, value);
    }
    for (const [key, value] of Object.entries(data || {})) node.dataset[key] = value;
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }

  const code = (text) => make("code", {}, text);
  const toneOf = (outcome) => (GOOD.has(outcome) ? "good" : BAD.has(outcome) ? "bad" : "mild");
  const many = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
  const seconds = (value) => (value < 9.995 ? `${value.toFixed(2)}s` : value < 59.95 ? `${value.toFixed(1)}s` : `${Math.floor(value / 60)}m ${String(Math.round(value) % 60).padStart(2, "0")}s`);

  async function unpacked(id) {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).json();
  }

  function copier(text, what) {
    const button = make("button", { className: "copy", type: "button", "aria-label": `Copy ${what}` }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const area = make("textarea", { value: text });
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      button.textContent = "Copied";
    });
    return button;
  }

  function section(title, ...children) {
    const inside = children.flat().filter(Boolean);
    return inside.length ? make("section", {}, make("h2", {}, title), ...inside) : null;
  }

  function fold(title, ...children) {
    const inside = children.flat().filter(Boolean);
    return inside.length ? make("details", {}, make("summary", {}, title), ...inside) : null;
  }

  function table(header, rows, label) {
    if (!rows.length) return null;
    // A cell is a text, or a list of texts and elements; `{ wide: … }` is left out on a narrow screen.
    const cell = (name, value) => {
      const inside = value?.wide ?? value ?? "";
      const node = make(name, { className: value?.wide ? "wideonly" : "" }, ...(Array.isArray(inside) ? inside : [inside]));
      if (name === "th") node.scope = "col";
      return node;
    };
    const head = make("thead", {}, make("tr", {}, ...header.map((one) => cell("th", one))));
    const body = make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((one) => cell("td", one)))));
    return make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label }, make("table", {}, head, body));
  }

  const block = (text) => (text ? make("pre", { tabIndex: 0 }, text) : null);

  function diff(lines) {
    if (!lines.length) return null;
    const spans = lines.map((line) => make("span", { className: line.startsWith("+") ? "add" : line.startsWith("-") ? "del" : "" }, line));
    return make("pre", { className: "diff", tabIndex: 0 }, ...spans);
  }

  // ---- The parts above the tests.

  function verdictOf({ title, verdict, facts }) {
    const known = Object.fromEntries(facts);
    const about = [known.Validated, known.Branch && `on ${known.Branch}`, known.Commit && `at ${known.Commit.slice(0, 12)}`].filter(Boolean).join(" ");
    const line = [about, known.Date, known.Took].filter(Boolean).join(", ");
    return make("header", {},
      make("h1", {}, title),
      make("div", { className: verdict.passed ? "verdict passed" : "verdict" },
        make("div", { className: "word", role: "status" }, `${verdict.passed ? "✓" : "✗"} ${verdict.word}`),
        make("p", { className: "sentence" }, verdict.sentence),
        make("p", { className: "facts" }, line)));
  }

  function weakened(one) {
    return make("div", { className: "test" },
      make("h3", {}, code(one.where), one.place ? make("span", { className: "soft" }, ` ${one.place}`) : null),
      make("p", {}, one.what, " ", make("span", { className: "soft mono" }, one.id), one.accepted ? null : copier(`--accept-weakened '${one.id}=REASON'`, "the option that accepts it")),
      one.accepted ? make("p", { className: "mild" }, `Accepted: ${one.accepted}`) : null,
      diff([...one.before.split("\n").filter(Boolean).map((line) => `- ${line}`), ...one.after.split("\n").filter(Boolean).map((line) => `+ ${line}`)]),
      one.mutant ? make("p", {}, "Only the base's test finds this fault:") : null,
      one.mutant ? diff(one.mutant.split("\n")) : null);
  }

  function gatesOf({ gates, spans }) {
    const end = Math.max(0.001, ...spans.map(([start, length]) => start + length));
    const rows = gates.map((gate, index) => {
      const [start, length] = spans[index] || [0, 0];
      const bar = make("span", { className: gate.passed ? "" : "bad" });
      bar.style.left = `${(100 * start) / end}%`;
      bar.style.width = `${(100 * length) / end}%`;
      const track = make("div", { className: "track", role: "img", "aria-label": `from ${seconds(start)} to ${seconds(start + length)}` }, bar);
      const status = make("span", { className: gate.passed ? "good" : /^(SKIPPED|COULD NOT RUN)/.test(gate.status) ? "mild" : "bad" }, gate.status);
      return [[code(gate.name)], [status], gate.time, { wide: track }, gate.notes];
    });
    return section("Gates", table(["Gate", "Status", "Time", { wide: "When" }, "Notes"], rows, "Gates"));
  }

  function reasonsOf({ reasons }) {
    return reasons.map((reason) => {
      const log = reason.log ? make("span", { className: "soft" }, " whole log: ", code(reason.log)) : null;
      return make("div", { className: "test" }, make("h3", {}, code(reason.name), `: ${reason.words}`, log), block(reason.lines.join("\n")));
    });
  }

  function comparisonOf(view) {
    if (!view) return null;
    const lists = view.lists.map(([words, ids]) => fold(`${words[0].toUpperCase()}${words.slice(1)} (${ids.length})`, make("ul", {}, ...ids.map((id) => make("li", {}, code(id))))));
    const again = table(["Test", "Finding", "Failed"], view.confirmations.map(([test, finding, counts]) => [[code(test)], finding, counts]), "Run again on both sides");
    return section(`Comparison: ${view.base} vs ${view.head}`,
      make("p", { className: view.regression ? "bad" : "good" }, view.words),
      table(["Aspect", `${view.base} (base)`, `${view.head} (head)`], view.rows, "Base and head"),
      again, lists, view.notes.length ? make("ul", {}, ...view.notes.map((note) => make("li", {}, note))) : null);
  }

  function exclusionsOf({ exclusions, quarantine }) {
    const rows = [...exclusions, ...quarantine].map(({ record, fault }) => [[code(record.name)], String(record.tests), record.category, record.reason, record.owner, fault ? [make("span", { className: "bad" }, `${record.expires}: ${fault}`)] : record.expires, [code(record.filter)]]);
    return section("Test exclusions", table(["Entry", "Tests", "Category", "Reason", "Owner", "Expires", "Filter"], rows, "Exclusions and quarantine"));
  }

  function restOf(summary) {
    const ticked = summary.checklist.filter((item) => item.checked).length;
    const boxes = summary.checklist.map((item) => make("li", {}, make("span", { className: item.checked ? "good" : "mild" }, item.checked ? "☑ " : "☐ "), item.text, item.why ? make("span", { className: "soft" }, ` (${item.why})`) : null));
    const commands = summary.commands.map(([comment, command]) => make("div", {}, make("h3", {}, comment, copier(command, `the command for ${comment}`)), block(command)));
    const changes = summary.changes && [
      make("ul", {}, ...summary.changes.commits.map(([commit, subject]) => make("li", {}, code(commit.slice(0, 12)), ` ${subject}`))),
      ...summary.changes.groups.map((group) => table([group.title, "Status", "Added", "Removed"], group.files.map((file) => [[code(file.path)], file.status ?? "M", file.added ?? "", file.removed ?? ""]), group.title)),
    ];
    return make("section", {}, make("h2", {}, "More"), ...[
      summary.tests && fold(`Skipped: ${many(summary.tests.skipped.reduce((sum, [, count]) => sum + count, 0), "test")}`, table(["Reason", "Tests"], summary.tests.skipped.map(([reason, count]) => [reason, String(count)]), "Why tests were skipped")),
      summary.warnings && fold(summary.warnings.line, make("ul", {}, ...summary.warnings.groups.map((group) => make("li", {}, group)))),
      summary.changes && (summary.changes.commits.length || summary.changes.groups.length) ? fold(`Changes against the base: ${summary.changes.line}`, changes) : null,
      fold(`Pre-merge checklist: ${ticked} of ${summary.checklist.length} shown`, make("ul", { className: "box" }, ...boxes)),
      fold("Reproduce", commands),
      fold("Environment", table(["What", "Value"], summary.environment.map(([what, value]) => [what, [code(value)]]), "Environment")),
      summary.notes.length ? fold("Known limits", make("ul", {}, ...summary.notes.map((note) => make("li", {}, note)))) : null,
      fold("About this run", table(["What", "Value"], summary.facts.map(([what, value]) => [what, [code(value)]]), "About this run")),
      fold("Logs and raw results", table(["What", "Path", "Digest"], summary.evidence.map((file) => [file.what, [code(file.path)], [code(file.digest)]]), "Files")),
    ].filter(Boolean));
  }

  // ---- Tests.

  class Tests {
    constructor(columns, more) {
      this.columns = columns;
      this.more = more;
      this.number = columns.id.length;
    }

    outcome(at) { return this.columns.outcomes[this.columns.outcome[at]]; }
    gate(at) { return this.columns.gates[this.columns.gate[at]]; }
    file(at) { return this.columns.files[this.columns.file[at]]; }
    seconds(at) { return this.columns.ms[at] / 1000; }

    // A test as the filter language sees it: what results do not record is undefined.
    seen(at) {
      const outcome = this.outcome(at);
      return {
        id: this.columns.id[at], file: this.file(at), seconds: this.seconds(at),
        failed: BAD.has(outcome), flaky: outcome === "flaky", quarantined: this.quarantined.has(at),
      };
    }

    get quarantined() {
      this.quarantine ??= new Set(this.columns.quarantined);
      return this.quarantine;
    }
  }

  function detailsOf(tests, at) {
    const more = tests.more[at] || {};
    const outcome = tests.outcome(at);
    const id = tests.columns.id[at];
    const attempt = (one, index) => fold(`Attempt ${index + 1}: ${one.outcome}`, make("p", {}, one.message), block(one.details), block(one.stdout), block(one.stderr));
    const subtest = (one) => fold(`Subtest ${one.name}`, make("p", {}, one.message), block(one.details), block(one.stdout));
    const place = more.place || (tests.file(at) ? `${tests.file(at)}${tests.columns.line[at] ? `:${tests.columns.line[at]}` : ""}` : "");
    const lines = (more.details || "").split("\n");
    const compared = lines.filter((line) => /^E\s+[-+?] /.test(line)).map((line) => line.replace(/^E\s+/, ""));
    return make("article", { className: "test", data: { id } },
      make("h3", {}, make("span", { className: toneOf(outcome) }, `${SIGN[outcome] || ""} ${outcome} `), code(id), copier(id, "the id of the test")),
      make("p", { className: "soft" }, `gate ${tests.gate(at)}, ${seconds(tests.seconds(at))}${place ? `, ${place}` : ""} `, make("a", { href: linkOf(id) }, "link to this test")),
      tests.columns.recent[at] ? make("p", { className: "soft" }, "Last runs: ", make("span", { className: "mono" }, tests.columns.recent[at]), " (the oldest first: . passed, F failed, ~ flaky, s left out)") : null,
      more.message || more.reason ? make("p", {}, more.message || more.reason) : null,
      compared.some((line) => line.startsWith("-")) && compared.some((line) => line.startsWith("+")) ? diff(compared) : null,
      more.details ? block(more.details) : null,
      more.whole ? fold("The whole traceback", block(more.whole)) : null,
      ...(more.subtests || []).map(subtest).filter(Boolean),
      ...(more.attempts || []).map(attempt).filter(Boolean),
      more.leaks ? block(more.leaks.join("\n")) : null,
      more.stdout ? fold("Output", block(more.stdout)) : null,
      more.stderr ? fold("Error output", block(more.stderr)) : null);
  }

  const linkOf = (id) => `#test=${encodeURIComponent(id)}`;

  class Browser {
    constructor(tests) {
      this.tests = tests;
      this.order = Array.from({ length: tests.number }, (_, at) => at);
      this.sorting = ["", 1];
      this.closed = new Set();
      this.build();
      this.search();
    }

    build() {
      this.input = make("input", { type: "search", id: "filter", placeholder: "failed(last), test(cache) and slow(>1s), file(tests/**) …", spellcheck: false, autocomplete: "off" });
      this.group = make("select", { id: "group" }, ...["nothing", "outcome", "folder", "cause", "gate"].map((one) => make("option", { value: one }, one)));
      this.note = make("p", { className: "note", role: "status", id: "note" });
      const headings = [["outcome", "Outcome"], ["id", "Test"], ["gate", "Gate"], ["seconds", "Time"]].map(([key, words]) => {
        const button = make("button", { type: "button" }, words);
        button.addEventListener("click", () => this.sort(key));
        return make("div", { role: "columnheader", "aria-sort": "none", data: { key } }, button);
      });
      this.head = make("div", { className: "head", role: "row", "aria-rowindex": 1 }, ...headings);
      this.space = make("div", { role: "rowgroup" });
      this.space.style.position = "relative";
      this.grid = make("div", { className: "grid", role: "table", "aria-label": "Tests", tabIndex: 0 }, make("div", { role: "rowgroup" }, this.head), this.space);
      this.detail = make("div", { id: "detail", "aria-live": "polite" });
      let waiting = 0;
      this.input.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => this.search(), 80);
      });
      this.group.addEventListener("change", () => this.lay());
      this.grid.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()));
      this.grid.addEventListener("keydown", (event) => this.key(event));
      window.addEventListener("resize", () => this.draw());
      const tools = make("div", { className: "tools" },
        make("label", { className: "wide" }, "Filter expression, or words of an id", this.input),
        make("label", {}, "Group by", this.group));
      this.node = section("Tests", tools, this.note, this.grid, this.detail);
    }

    search() {
      const text = this.input.value.trim();
      const tests = this.tests;
      let holds = () => true;
      let said = "";
      this.input.removeAttribute("aria-invalid");
      if (text) {
        try {
          holds = text.includes("(") ? Filters.compile(text) : plainly(text);
        } catch (error) {
          const mistake = error instanceof Filters.Refused;
          if (!mistake && !(error instanceof Filters.Unanswerable)) throw error;
          this.input.setAttribute("aria-invalid", "true");
          this.note.textContent = mistake
            ? `${error.message}${error.end ? `: ${text.slice(error.start, error.end + 20)}` : ""}`
            : `This page cannot answer that: the pattern has ${error.message}, which a browser may read in another way. Ask: gates list -E`;
          return;
        }
      }
      let unknown = 0;
      this.order = [];
      for (let at = 0; at < tests.number; at += 1) {
        const answer = holds(tests.seen(at));
        if (answer === null) unknown += 1;
        if (answer !== false) this.order.push(at);
      }
      if (unknown) said = `. For ${many(unknown, "test")} of them this page cannot know the answer, so they are shown, too: results do not record it`;
      this.note.textContent = `${many(this.order.length, "test")} of ${tests.number.toLocaleString("en")}${said}`;
      this.arrange();
    }

    sort(key) {
      this.sorting = this.sorting[0] === key ? (this.sorting[1] === 1 ? [key, -1] : ["", 1]) : [key, 1];
      this.arrange();
    }

    arrange() {
      const [key, way] = this.sorting;
      const { columns } = this.tests;
      const of = { outcome: (at) => columns.outcome[at], id: (at) => columns.id[at], gate: (at) => columns.gate[at], seconds: (at) => -columns.ms[at] }[key];
      this.order.sort(of ? (a, b) => { const [x, y] = [of(a), of(b)]; return (x < y ? -1 : x > y ? 1 : a - b) * way; } : (a, b) => a - b);
      for (const heading of this.head.children) heading.setAttribute("aria-sort", heading.dataset.key === key ? (way === 1 ? "ascending" : "descending") : "none");
      this.lay();
    }

    // Rows: numbers of tests, and titles of groups.
    lay() {
      const by = this.group.value;
      const { tests } = this;
      const name = {
        outcome: (at) => tests.outcome(at),
        folder: (at) => (tests.file(at) || tests.columns.id[at]).replace(/\/?[^/]*$/, "") || "(root)",
        cause: (at) => (tests.more[at] || {}).signature || (BAD.has(tests.outcome(at)) ? "no cause recorded" : "no failure"),
        gate: (at) => tests.gate(at),
      }[by];
      this.rows = this.order;
      if (name) {
        const groups = new Map();
        for (const at of this.order) {
          const title = name(at);
          if (!groups.has(title)) groups.set(title, []);
          groups.get(title).push(at);
        }
        this.rows = [];
        for (const [title, members] of [...groups].sort((a, b) => b[1].length - a[1].length)) {
          this.rows.push({ title, members });
          if (!this.closed.has(title)) for (const at of members) this.rows.push(at);
        }
      }
      this.grid.setAttribute("aria-rowcount", this.rows.length + 1);
      this.grid.classList.toggle("few", this.rows.length < 12);
      this.space.style.height = `${this.rows.length * ROW}px`;
      this.grid.scrollTop = 0;
      this.draw();
    }

    draw() {
      const top = Math.max(0, Math.floor((this.grid.scrollTop - SPARE) / ROW) - SPARE);
      const bottom = Math.min(this.rows.length, top + Math.ceil((this.grid.clientHeight || 600) / ROW) + 2 * SPARE);
      const shown = [];
      for (let index = top; index < bottom; index += 1) shown.push(this.row(index));
      this.space.replaceChildren(...shown);
    }

    row(index) {
      const entry = this.rows[index];
      const { tests } = this;
      const place = { role: "row", "aria-rowindex": index + 2 };
      let node;
      if (typeof entry === "object") {
        const bad = entry.members.filter((at) => BAD.has(tests.outcome(at))).length;
        const open = !this.closed.has(entry.title);
        node = make("div", { ...place, className: "row group" },
          make("span", { role: "cell", className: "keep" }, `${open ? "▾" : "▸"} ${entry.title}`),
          make("span", { role: "cell", className: "keep soft" }, many(entry.members.length, "test")),
          make("span", { role: "cell", className: bad ? "keep bad" : "keep soft" }, bad ? `${bad} failed` : ""));
        node.addEventListener("click", () => this.toggle(entry.title));
      } else {
        const outcome = tests.outcome(entry);
        node = make("div", { ...place, className: entry === this.now ? "row now" : "row" },
          make("span", { role: "cell", className: toneOf(outcome) }, `${SIGN[outcome] || ""} ${outcome}`),
          make("span", { role: "cell", className: "mono", title: tests.columns.id[entry] }, tests.columns.id[entry]),
          make("span", { role: "cell", className: "soft" }, tests.gate(entry)),
          make("span", { role: "cell", className: "num" }, seconds(tests.seconds(entry))));
        node.addEventListener("click", () => this.show(entry));
      }
      node.style.top = `${index * ROW}px`;
      return node;
    }

    toggle(title) {
      if (!this.closed.delete(title)) this.closed.add(title);
      const kept = this.grid.scrollTop;
      this.lay();
      this.grid.scrollTop = kept;
    }

    show(at) {
      this.now = at;
      this.detail.replaceChildren(detailsOf(this.tests, at));
      history.replaceState(null, "", linkOf(this.tests.columns.id[at]));
      this.draw();
    }

    key(event) {
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -Infinity, End: Infinity };
      if (event.key === "Enter" && this.cursor !== undefined) {
        const entry = this.rows[this.cursor];
        if (typeof entry === "object") this.toggle(entry.title);
      }
      if (!(event.key in steps)) return;
      event.preventDefault();
      this.cursor = Math.max(0, Math.min(this.rows.length - 1, (this.cursor ?? -1) + steps[event.key]));
      const y = this.cursor * ROW;
      if (y < this.grid.scrollTop || y > this.grid.scrollTop + this.grid.clientHeight - 3 * ROW) this.grid.scrollTop = y - this.grid.clientHeight / 2;
      const entry = this.rows[this.cursor];
      if (typeof entry === "number") this.show(entry);
    }

    // What the address names: a filter, or a test, wherever it is.
    follow() {
      if (location.hash.startsWith("#filter=")) {
        this.input.value = decodeURIComponent(location.hash.slice(8));
        this.search();
        return;
      }
      const wanted = location.hash.startsWith("#test=") ? decodeURIComponent(location.hash.slice(6)) : "";
      const at = wanted ? this.tests.columns.id.indexOf(wanted) : -1;
      if (at < 0) return;
      this.show(at);
      this.grid.scrollTop = this.rows.indexOf(at) * ROW;
      this.detail.scrollIntoView();
    }
  }

  function plainly(text) {
    const words = text.toLowerCase().split(/\s+/);
    return ({ id }) => words.every((word) => id.toLowerCase().includes(word));
  }

  // ---- The page.

  const main = document.querySelector("main");
  if (typeof DecompressionStream === "undefined") {
    main.append(make("p", {}, "This browser cannot unpack the data of the report: it has no DecompressionStream."));
    return;
  }
  const summary = await unpacked("summary");
  const compared = summary.comparison;
  const weaker = compared ? compared.weaker.map(weakened) : [];
  const hints = compared && compared.hints.length ? fold(`Perhaps weaker: ${many(compared.hints.length, "hint")}`, compared.hints.map(weakened)) : null;
  document.querySelector("header")?.remove();
  main.append(...[verdictOf(summary), section("Weaker than on the base", weaker, hints), gatesOf(summary), section("Why gates failed", reasonsOf(summary))].filter(Boolean));
  const slot = make("div", {});
  main.append(...[slot, comparisonOf(compared), exclusionsOf(summary), restOf(summary)].filter(Boolean));

  const { columns, more } = await unpacked("tests");
  if (columns.id.length) {
    const tests = new Tests(columns, more);
    const bad = columns.failed.slice(0, SHOWN_FAILURES).map((at) => detailsOf(tests, at));
    const left = columns.failed.length - bad.length;
    const rest = left > 0 ? make("p", {}, `… and ${many(left, "more failure")} in the table below: failed(last)`) : null;
    const browser = new Browser(tests);
    slot.append(...[section("Failures", bad, rest), browser.node].filter(Boolean));
    browser.lay();
    browser.follow();
    window.addEventListener("hashchange", () => browser.follow());
  }
  document.documentElement.dataset.ready = "yes";
})();
