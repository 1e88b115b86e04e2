// The table of all tests: search, sorting, groups, and the details of one. Only the rows in sight are elements.

const ROW = 30;
const SPARE = 8;

class Browser {
  constructor(tests) {
    this.tests = tests;
    this.sorting = ["", 1];
    this.closed = new Set();
    this.rows = [];
    this.drawn = new Map();
    this.cursor = -1;
    this.now = -1;
    this.build();
    this.search();
  }

  build() {
    this.input = make("input", { type: "search", id: "filter", placeholder: "failed(last), test(cache) and slow(>1s), file(tests/**) …", spellcheck: false, autocomplete: "off", "aria-keyshortcuts": "/" });
    this.group = make("select", { id: "group" }, ...["nothing", "outcome", "folder", "cause", "gate"].map((one) => make("option", { value: one }, one)));
    this.note = make("p", { className: "note", role: "status", id: "note" });
    const headings = [["outcome", "Outcome"], ["id", "Test"], ["gate", "Gate"], ["seconds", "Time"]].map(([key, words]) => {
      const button = make("button", { type: "button" }, words);
      button.addEventListener("click", () => this.sort(key));
      return make("div", { role: "columnheader", "aria-sort": "none", data: { key } }, button);
    });
    this.head = make("div", { className: "head", role: "row", "aria-rowindex": 1 }, ...headings);
    this.space = make("div", { className: "space", role: "rowgroup" });
    this.grid = make("div", { className: "grid", role: "grid", "aria-label": "Tests", "aria-describedby": "keys", tabIndex: 0 }, make("div", { role: "rowgroup", className: "heads" }, this.head), this.space);
    this.detail = make("div", { id: "detail" });
    this.view = make("div", { className: "view" }, this.grid, this.detail);
    this.listen();
    const tools = make("div", { className: "tools" },
      make("label", { className: "wide" }, "Filter expression, or words of an id", this.input),
      make("label", {}, "Group by", this.group));
    this.node = section("Tests", tools, this.note, this.view, make("p", { className: "soft wideonly", id: "keys" }, "Keys: / to search; arrows to move, Enter to open, Escape to return"));
  }

  listen() {
    let waiting = 0;
    this.input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.search(), 80);
    });
    this.group.addEventListener("change", () => this.lay());
    let asked = false;
    const redraw = () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; this.draw(true); });
    };
    this.grid.addEventListener("scroll", redraw, { passive: true });
    window.addEventListener("resize", redraw);
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.space.addEventListener("click", (event) => {
      const row = event.target.closest("[data-index]");
      if (row) this.open(Number(row.dataset.index));
    });
    this.detail.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
      event.preventDefault();
      this.input.focus();
    });
  }

  // What the text asks for, as a function of a test's number; null if it is not answered, and then the note says why.
  asked(text) {
    this.input.removeAttribute("aria-invalid");
    if (!text) return () => true;
    if (!text.includes("(")) return this.tests.plainly(text);
    try {
      const holds = Filters.compile(text);
      return (at) => holds(this.tests.seen(at));
    } catch (error) {
      const mistake = error instanceof Filters.Refused;
      if (!mistake && !(error instanceof Filters.Unanswerable)) throw error;
      this.input.setAttribute("aria-invalid", "true");
      this.note.textContent = mistake
        ? `${capital(error.message)}${error.end ? `: ${text.slice(error.start, error.end + 20)}` : ""}`
        : `This page cannot answer that: the pattern has ${error.message}, which a browser may read in another way. Ask: gates list -E`;
      return null;
    }
  }

  search() {
    const holds = this.asked(this.input.value.trim());
    if (!holds) return;
    let unknown = 0;
    const order = [];
    for (let at = 0; at < this.tests.number; at += 1) {
      const answer = holds(at);
      if (answer === null) unknown += 1;
      if (answer !== false) order.push(at);
    }
    this.order = Uint32Array.from(order);
    const said = unknown ? `. For ${many(unknown, "test")} of them this page cannot know the answer, so they are shown, too: results do not record it` : "";
    this.note.textContent = `${many(order.length, "test")} of ${this.tests.number.toLocaleString("en")}${said}`;
    this.arrange();
  }

  sort(key) {
    this.sorting = this.sorting[0] === key ? (this.sorting[1] === 1 ? [key, -1] : ["", 1]) : [key, 1];
    this.order.sort();
    this.arrange();
  }

  arrange() {
    const [key, way] = this.sorting;
    const { tests } = this;
    if (key) {
      const value = { outcome: (at) => tests.outcomeOf[at] || 99, gate: (at) => tests.columns.gate[at] ?? 0, seconds: (at) => -Math.min(tests.columns.time[at], 9e9), id: (at) => this.ranks()[at] }[key];
      // Numbers that hold what to sort by, and behind it the place: sorting those needs no comparison function, so it is quick.
      const size = this.order.length;
      const keys = Float64Array.from(this.order, (at, place) => value(at) * way * size + place).sort();
      this.order = Uint32Array.from(keys, (one) => this.order[((one % size) + size) % size]);
    }
    for (const heading of this.head.children) heading.setAttribute("aria-sort", heading.dataset.key === key ? (way === 1 ? "ascending" : "descending") : "none");
    this.lay();
  }

  ranks() {
    if (!this.rank) {
      const ids = this.tests.columns.id;
      this.rank = new Uint32Array(ids.length);
      ids.map((id, at) => [id, at]).sort(([one], [two]) => (one < two ? -1 : one > two ? 1 : 0)).forEach(([, at], place) => { this.rank[at] = place; });
    }
    return this.rank;
  }

  // Rows: numbers of tests, and titles of groups.
  lay() {
    const by = this.group.value;
    const { tests } = this;
    const name = { outcome: (at) => tests.outcome(at), folder: (at) => tests.folder(at), cause: (at) => tests.cause(at), gate: (at) => tests.gate(at) }[by];
    this.rows = name ? this.grouped(name) : this.order;
    this.grid.setAttribute("aria-rowcount", this.rows.length + 1);
    this.grid.classList.toggle("few", this.rows.length < 16);
    this.space.style.height = `${this.rows.length * ROW}px`;
    this.cursor = -1;
    this.grid.scrollTop = 0;
    this.draw();
  }

  grouped(name) {
    const groups = new Map();
    for (const at of this.order) {
      const title = name(at);
      if (!groups.has(title)) groups.set(title, []);
      groups.get(title).push(at);
    }
    const rows = [];
    const wrong = (members) => members.reduce((sum, at) => sum + (BAD.has(this.tests.outcome(at)) ? 1 : 0), 0);
    const counted = Array.from(groups, ([title, members]) => ({ title, members, bad: wrong(members) }));
    // Groups with failures first, then the largest.
    for (const group of counted.sort((a, b) => b.bad - a.bad || b.members.length - a.members.length)) {
      rows.push(group);
      if (!this.closed.has(group.title)) for (const at of group.members) rows.push(at);
    }
    return rows;
  }

  // The rows in sight; those that were in sight before are kept if only the place changed.
  draw(scrolled = false) {
    const top = Math.max(0, Math.floor(this.grid.scrollTop / ROW) - SPARE);
    const bottom = Math.min(this.rows.length, top + Math.ceil((this.grid.clientHeight || 600) / ROW) + 2 * SPARE);
    if (!scrolled) this.drawn.clear();
    const fresh = new Map();
    for (let index = top; index < bottom; index += 1) fresh.set(index, this.drawn.get(index) ?? this.row(index));
    if (!scrolled) this.space.replaceChildren(...fresh.values());
    else {
      for (const [index, node] of this.drawn) if (!fresh.has(index)) node.remove();
      let after = null; // rows stand in their order, for a screen reader
      for (const [index, node] of [...fresh].reverse()) {
        if (!this.drawn.has(index)) this.space.insertBefore(node, after);
        after = node;
      }
    }
    this.drawn = fresh;
    if (this.cursor >= top && this.cursor < bottom) this.grid.setAttribute("aria-activedescendant", `row-${this.cursor}`);
    else this.grid.removeAttribute("aria-activedescendant");
  }

  row(index) {
    const entry = this.rows[index];
    const { tests } = this;
    const tones = [index === this.cursor ? " cursor" : "", entry === this.now ? " now" : ""].join("");
    const about = { role: "row", id: `row-${index}`, "aria-rowindex": index + 2, data: { index } };
    let node;
    if (typeof entry === "object") {
      const open = !this.closed.has(entry.title);
      node = make("div", { ...about, className: `row group${tones}`, "aria-expanded": String(open) },
        make("span", { role: "gridcell", title: entry.title }, `${open ? "▾" : "▸"} ${entry.title}`),
        make("span", { role: "gridcell", className: "soft" }, many(entry.members.length, "test")),
        make("span", { role: "gridcell", className: "bad" }, entry.bad ? `${entry.bad.toLocaleString("en")} failed` : ""));
    } else {
      node = make("div", { ...about, className: `row${tones}`, "aria-selected": String(entry === this.now) },
        make("span", { role: "gridcell", className: toneOf(tests.outcome(entry)) }, `${SIGN[tests.outcome(entry)] || ""} ${tests.outcome(entry)}`),
        make("span", { role: "gridcell", className: "mono", title: tests.id(entry) }, make("span", {}, tests.id(entry))),
        make("span", { role: "gridcell", className: "soft" }, tests.gate(entry)),
        make("span", { role: "gridcell", className: "num" }, seconds(tests.seconds(entry))));
    }
    node.style.top = `${index * ROW}px`;
    return node;
  }

  open(index) {
    this.cursor = index;
    const entry = this.rows[index];
    if (typeof entry === "object") this.toggle(entry.title);
    else this.show(entry);
  }

  toggle(title) {
    if (!this.closed.delete(title)) this.closed.add(title);
    const [kept, cursor] = [this.grid.scrollTop, this.cursor];
    this.lay();
    this.cursor = cursor;
    this.grid.scrollTop = kept;
    this.draw();
  }

  async show(at, { focus = false } = {}) {
    this.now = at;
    this.draw();
    const { tests } = this;
    const inside = await insideOf(tests, at);
    if (this.now !== at) return; // another one was asked for meanwhile
    const close = make("button", { type: "button", className: "copy", "aria-label": "Close, and go back to the table", onclick: () => this.close() }, "Close");
    const title = make("h3", { tabIndex: -1 }, mark(tests.outcome(at)), " ", code(tests.id(at)));
    this.detail.replaceChildren(make("article", { className: "test", data: { id: tests.id(at) }, "aria-label": `Test ${tests.id(at)}` }, close, title, ...inside));
    this.view.classList.add("split");
    history.replaceState(null, "", linkOf(tests.id(at)));
    if (focus) title.focus({ preventScroll: true });
    if (getComputedStyle(this.view).display !== "grid") this.detail.scrollIntoView();
    this.draw();
  }

  close() {
    this.detail.replaceChildren();
    this.view.classList.remove("split");
    this.now = -1;
    history.replaceState(null, "", location.pathname + location.search);
    this.grid.focus({ preventScroll: true });
    this.grid.scrollIntoView({ block: "nearest" });
    this.draw();
  }

  key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -Infinity, End: Infinity };
    if (event.target !== this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") this.close();
    if (event.key === "Enter" && this.cursor >= 0) {
      const entry = this.rows[this.cursor];
      if (typeof entry === "object") this.toggle(entry.title);
      else this.show(entry, { focus: true });
    }
    if (!(event.key in steps) || !this.rows.length) return;
    event.preventDefault();
    this.cursor = Math.max(0, Math.min(this.rows.length - 1, this.cursor + steps[event.key]));
    const y = this.cursor * ROW;
    if (y < this.grid.scrollTop || y > this.grid.scrollTop + this.grid.clientHeight - 3 * ROW) this.grid.scrollTop = y - this.grid.clientHeight / 2;
    this.draw();
  }

  // Shows the tests of one cause together.
  byCause() {
    this.input.value = "failed(last)";
    this.group.value = "cause";
    this.search();
    this.node.scrollIntoView();
  }

  // Shows a test, wherever it is in the table.
  async reveal(at) {
    if (!this.order.includes(at)) {
      this.input.value = "";
      this.search();
    }
    const index = this.rows.indexOf(at);
    this.cursor = index;
    this.grid.scrollTop = Math.max(0, index * ROW - 2 * ROW);
    await this.show(at);
    this.node.scrollIntoView();
  }

  // What the address names: a filter, or a test.
  async follow() {
    if (location.hash.startsWith("#filter=")) {
      this.input.value = decodeURIComponent(location.hash.slice(8));
      this.search();
      this.node.scrollIntoView();
      return;
    }
    const wanted = location.hash.startsWith("#test=") ? decodeURIComponent(location.hash.slice(6)) : "";
    const at = wanted ? this.tests.columns.id.indexOf(wanted) : -1;
    if (at >= 0 && at !== this.now) await this.reveal(at);
    if (wanted && at < 0) this.note.textContent = `This run has no test ${wanted}`;
  }
}
