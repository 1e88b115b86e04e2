// Small elements that every part of the page uses. A text of a run goes through `textContent`, never through HTML.

const GOOD = new Set(["passed", "xfailed"]);
const BAD = new Set(["failed", "error", "timeout", "crashed", "not-run", "interrupted"]);
const SIGN = { passed: "✓", failed: "✗", error: "✗", timeout: "✗", crashed: "✗", skipped: "–", excluded: "–", xfailed: "✓", flaky: "~", quarantined: "~", xpassed: "!", "not-run": "?", interrupted: "?" };

function make(name, properties = {}, ...children) {
  const { data, ...rest } = properties;
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(rest)) {
    if (key in node && key !== "role") node[key] = value;
    else node.setAttribute(key, value);
  }
  for (const [key, value] of Object.entries(data || {})) node.dataset[key] = value;
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== "" && child !== false));
  return node;
}

const code = (text) => make("code", {}, text);
const soft = (...children) => make("span", { className: "soft" }, ...children);
const toneOf = (outcome) => (GOOD.has(outcome) ? "good" : BAD.has(outcome) ? "bad" : "mild");
const many = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const capital = (text) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

function seconds(value) {
  if (value < 9.995) return `${value.toFixed(2)}s`;
  if (value < 59.95) return `${value.toFixed(1)}s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
}

const mark = (outcome) => make("span", { className: `mark ${toneOf(outcome)}` }, `${SIGN[outcome] || ""} ${outcome}`);

// The value of a block of data: JSON, compressed, as base64.
async function unpacked(id) {
  const letters = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) bytes[at] = letters.charCodeAt(at);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).json();
}

// Until the browser has shown what there is; a hidden tab shows nothing, and is not waited for.
const shown = () => new Promise((done) => {
  requestAnimationFrame(() => setTimeout(done));
  setTimeout(done, 100);
});

function copier(text, what, word = "Copy") {
  const button = make("button", { className: "copy", type: "button", "aria-label": `${word} (${what})`, title: text }, word);
  button.addEventListener("click", async (event) => {
    event.preventDefault(); // in a title that unfolds
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = word; }, 2000);
  });
  return button;
}

// For a shell that follows POSIX.
const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

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
    const node = make(name, { className: value?.wide === undefined ? "" : "wideonly" }, ...(Array.isArray(inside) ? inside : [inside]));
    if (name === "th") node.scope = "col";
    return node;
  };
  const head = make("thead", {}, make("tr", {}, ...header.map((one) => cell("th", one))));
  const body = make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((one) => cell("td", one)))));
  return make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label }, make("table", {}, head, body));
}

const list = (items) => (items.length ? make("ul", {}, ...items.map((item) => make("li", {}, item))) : null);
const block = (text, label) => (text ? make("pre", { tabIndex: 0, role: "group", "aria-label": label }, text) : null);

// The class of a line of a traceback: pytest begins the lines of the error with `E`, and a diff in them with `-` and `+`.
function toneOfLine(line) {
  if (/^E\s+- /.test(line) || /^E\s+-$/.test(line)) return "del";
  if (/^E\s+\+ /.test(line) || /^E\s+\+$/.test(line)) return "add";
  if (/^E\s+\? /.test(line)) return "soft";
  if (/^E(\s|$)/.test(line)) return "fault";
  return /^>/.test(line) ? "here" : "";
}

function lines(text, toneOfOne, label) {
  if (!text) return null;
  const parts = [];
  let plain = "";
  for (const line of text.split("\n")) {
    const tone = toneOfOne(line);
    if (!tone) {
      plain += `${line}\n`;
      continue;
    }
    if (plain) parts.push(plain);
    plain = "";
    parts.push(make("span", { className: tone }, `${line}\n`));
  }
  return make("pre", { className: "lines", tabIndex: 0, role: "group", "aria-label": label }, ...parts, plain.replace(/\n$/, ""));
}

const trace = (text, label = "Traceback") => lines(text, toneOfLine, label);
const toneOfDiff = (line) => (/^\+/.test(line) ? "add" : /^-/.test(line) ? "del" : /^@@/.test(line) ? "soft" : "");
const diff = (text, label = "Difference") => lines(text, toneOfDiff, label);

// Two columns, one below the other on a narrow screen.
function sides(first, second) {
  const column = ([title, ...children]) => make("div", { className: "side" }, make("h4", {}, title), ...children);
  return make("div", { className: "sides" }, column(first), column(second));
}
