// The filter language of gates (docs/reference/filters.md) in a page. It answers what a report records about a test;
// anything else is unknown (null), as in the language itself, and it never gives another answer than gates does.
"use strict";

const Filters = (() => {
  const MANY = 1000;
  const DEEPEST = 100;
  const text = (fallback, more = {}) => ({ arguments: "text", fallback, most: 1, keyed: "no", ...more });
  const outside = (kind = "name") => ({ arguments: kind, fallback: kind === "duration" ? ">" : "=", most: 1, keyed: "no" });
  const PREDICATES = new Map(Object.entries({
    all: { arguments: "none", most: 1, keyed: "no" },
    none: { arguments: "none", most: 1, keyed: "no" },
    default: { arguments: "none", most: 1, keyed: "no" },
    test: text("~"),
    name: text("~"),
    file: text("#"),
    binary: text("#"),
    binary_id: text("#"),
    module: text("#"),
    package: text("#"),
    class: text("#"),
    kind: text("=", { choices: ["function", "method", "doctest", "subtest", "other"] }),
    mark: text("#", { most: MANY, keyed: "rest" }),
    param: text("#", { most: MANY, keyed: "may" }),
    fixture: text("#"),
    docstring: text("~"),
    group: text("#"),
    platform: text("#"),
    owner: text("#"),
    deps: text("#", { nested: ["changed"] }),
    rdeps: text("#", { nested: ["changed"] }),
    changed: outside(),
    new: outside(),
    failed: outside(),
    flaky: { arguments: "none", most: 1, keyed: "no" },
    slow: outside("duration"),
    quarantined: { arguments: "none", most: 1, keyed: "no" },
  }));

  class Refused extends Error {
    constructor(label, start, end) {
      super(label);
      this.start = start;
      this.end = end;
    }
  }

  // ---- Reading: tokens. A predicate with its arguments is one token, because its name decides how its text is read.

  const SPACE = /[\s\x1c-\x1f\x85]*/y;
  const WORD = /[\p{L}\p{Nl}\p{No}_][\p{L}\p{N}_]*/uy;
  const KEY = /([\p{L}_][\p{L}\p{N}_]*|\p{Nd}+)=/uy;
  const BARE = /[^\s()!&|+,]+/y;
  const OPERATORS = { "!": "not", "&": "and", "-": "difference", "|": "or", "+": "or", "(": "(", ")": ")" };
  const SECONDS = { ms: 0.001, s: 1, m: 60, h: 3600 };

  class Reader {
    constructor(source) {
      this.text = source;
      this.at = 0;
    }

    match(pattern, at = this.at) {
      pattern.lastIndex = at;
      return pattern.exec(this.text);
    }

    skip() {
      this.at += this.match(SPACE)[0].length;
    }

    get done() {
      return this.at >= this.text.length;
    }

    refuse(label, start, end = this.at) {
      throw new Refused(label, start, Math.max(end, start));
    }

    tokens() {
      const found = [];
      for (;;) {
        this.skip();
        if (this.done) return found;
        found.push(this.token());
      }
    }

    token() {
      const start = this.at;
      const letter = this.text[start];
      const pair = this.text.slice(start, start + 2);
      if (pair === "&&" || pair === "||") this.refuse(`unknown operator \`${pair}\``, start, start + 2);
      if (Object.hasOwn(OPERATORS, letter)) {
        this.at += 1;
        return { kind: OPERATORS[letter], start, end: this.at };
      }
      const word = this.match(WORD);
      if (!word) this.refuse("not an expression", start, start + 1);
      const after = start + word[0].length;
      const opens = after + this.match(SPACE, after)[0].length;
      const called = this.text[opens] === "(" && (opens === after || PREDICATES.has(word[0]));
      if (["not", "and", "or"].includes(word[0])) {
        this.at = after;
        return { kind: word[0], start, end: after };
      }
      if (!called) {
        const bare = this.match(BARE)[0];
        const needs = PREDICATES.has(bare) ? `\`${bare}\` needs parentheses` : `not an expression: did you mean test(${bare})?`;
        this.refuse(needs, start, start + bare.length);
      }
      this.at = opens + 1;
      const operand = this.call(word[0], start);
      return { kind: "operand", operand, start, end: this.at };
    }

    call(name, start) {
      const form = PREDICATES.get(name);
      if (!form) this.refuse(`unknown predicate \`${name}\``, start, start + name.length);
      const given = [];
      let closed = false;
      while (!closed && !this.done) {
        given.push(this.nested(form) || this.argument(form, given.length));
        closed = this.text[this.at] === ")";
        this.at += 1;
      }
      if (!closed) this.refuse("missing `)`", this.text.length);
      const empty = given.filter((one) => one.text === "").length;
      if (form.arguments === "none") {
        if (given.length > 1 || empty < given.length) this.refuse(`\`${name}\` takes no argument`, start);
        return { name, given: [] };
      }
      if (!given.length || empty) this.refuse(`\`${name}\` has an empty argument`, start);
      if (given.length > form.most) this.refuse(`\`${name}\` takes one argument`, start);
      return { name, given };
    }

    nested(form) {
      if (!form.nested) return null;
      this.skip();
      const start = this.at;
      const word = this.match(WORD);
      if (!word || !PREDICATES.has(word[0])) return null;
      const after = start + word[0].length;
      const opens = after + this.match(SPACE, after)[0].length;
      if (this.text[opens] !== "(") return null;
      if (!form.nested.includes(word[0])) this.refuse(`\`${word[0]}\` cannot stand here`, start, after);
      this.at = opens + 1;
      const found = this.call(word[0], start);
      this.skip();
      if (!this.done && !"),".includes(this.text[this.at])) this.refuse("text after a predicate", this.at, this.at + 1);
      return found;
    }

    argument(form, position) {
      this.skip();
      const start = this.at;
      if (form.arguments === "duration") return this.duration();
      if (form.arguments === "name") return this.name(form);
      let key = "";
      if (form.keyed !== "no") {
        const found = this.match(KEY);
        if (found) {
          key = found[1];
          this.at += found[0].length;
          this.skip();
        }
      }
      const matcher = { ...this.matcher(key ? "=" : form.fallback || "~"), key };
      if (matcher.text === "") return matcher;
      if (form.keyed === "rest" && Boolean(key) === (position === 0)) this.refuse("`mark` takes one name, then key=text", start);
      if (form.choices && matcher.kind === "=" && !form.choices.includes(matcher.text)) this.refuse("unknown kind", start);
      const foreign = /^(regexp?|re|glob|fnmatch|exact|equals|contains|substring):/.exec(matcher.text);
      if (foreign && this.text.startsWith(foreign[0], start)) this.refuse(`unknown matcher \`${foreign[0]}\``, start, start + foreign[0].length);
      return matcher;
    }

    matcher(fallback) {
      const letter = this.text[this.at];
      if (letter === "/") return this.regex();
      let kind = fallback;
      if (letter && "=~#".includes(letter)) {
        kind = letter;
        this.at += 1;
        this.skip();
      }
      const start = this.at;
      const found = { kind, text: this.plain() };
      if (kind === "#") globOf(found.text, false, (label) => this.refuse(label, start));
      return found;
    }

    plain() {
      const known = { n: "\n", r: "\r", t: "\t", "\\": "\\", "/": "/", ")": ")", ",": "," };
      let found = "";
      while (!this.done && !"),".includes(this.text[this.at])) {
        const start = this.at;
        const letter = this.text[this.at];
        if (letter !== "\\") {
          found += letter;
          this.at += 1;
          continue;
        }
        const next = this.text[this.at + 1] ?? "";
        this.at += next ? 2 : 1;
        if (Object.hasOwn(known, next)) {
          found += known[next];
          continue;
        }
        const code = this.match(/u\{([0-9A-Fa-f]{1,6})\}/y, start + 1);
        if (!code) this.refuse("unknown escape", start);
        this.at = start + 1 + code[0].length;
        const number = parseInt(code[1], 16);
        if (number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff)) this.refuse("not a Unicode character", start);
        found += String.fromCodePoint(number);
      }
      return found;
    }

    regex() {
      const start = this.at;
      let pattern = "";
      this.at += 1;
      while (!this.done && this.text[this.at] !== "/") {
        const piece = this.text[this.at] === "\\" ? this.text.slice(this.at, this.at + 2) : this.text[this.at];
        pattern += piece === "\\/" ? "/" : piece;
        this.at += piece.length;
      }
      if (this.done) this.refuse("this regular expression is never closed", start, start + 1);
      this.at += 1;
      this.skip();
      const after = this.at;
      if (this.plain()) this.refuse("text after the regular expression", after);
      return { kind: "/", text: pattern, start, end: after };
    }

    name(form) {
      const start = this.at;
      const prefix = this.text[start];
      if (prefix === "=") {
        this.at += 1;
        this.skip();
      }
      const found = this.plain().replace(/[\s\x1c-\x1f\x85]+$/, "");
      if (prefix && "~/#".includes(prefix) && found) this.refuse("a name is needed here, not a matcher", start, start + 1);
      return { kind: "=", text: found, key: "" };
    }

    duration() {
      const compare = this.match(/[<>]=?/y);
      this.at += compare ? compare[0].length : 0;
      this.skip();
      const start = this.at;
      const written = this.plain().split(/[\s\x1c-\x1f\x85]+/).filter(Boolean).join(" ");
      const found = { kind: compare ? compare[0] : ">", text: written, key: "", seconds: 0 };
      if (written) {
        found.seconds = secondsOf(written);
        if (!(found.seconds > 0)) this.refuse("not a duration", start);
      }
      return found;
    }
  }

  function secondsOf(written) {
    const part = /\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)\s*/y;
    let total = 0;
    let at = 0;
    while (at < written.length) {
      part.lastIndex = at;
      const found = part.exec(written);
      if (!found) return NaN;
      total += Number(found[1]) * SECONDS[found[2]];
      at = part.lastIndex;
    }
    return total;
  }

  // ---- Reading: the tree.

  function parse(source) {
    const tokens = new Reader(source).tokens();
    if (!tokens.length) throw new Refused("the expression is empty", 0, 0);
    let at = 0;
    let depth = 0;
    const end = () => tokens[at] || { kind: "end", start: source.length, end: source.length };
    const refuse = (label, token = end()) => {
      throw new Refused(label, token.start, token.end);
    };

    function chain(kinds, operand, join) {
      const found = [operand()];
      while (kinds.includes(end().kind)) {
        const difference = end().kind === "difference";
        at += 1;
        if (difference) depth += 1;
        const right = operand();
        if (difference) depth -= 1;
        found.push(difference ? { not: right } : right);
      }
      return found.length === 1 ? found[0] : { [join]: found };
    }

    function negation() {
      const token = end();
      if (token.kind === "not" || token.kind === "(") {
        at += 1;
        depth += 1;
        if (depth > DEEPEST) refuse("nested too deep", token);
        const inside = token.kind === "not" ? { not: negation() } : expression();
        depth -= 1;
        if (token.kind === "(") {
          if (end().kind !== ")") refuse(end().kind === "end" ? "this `(` is never closed" : "an operator is missing before this", end().kind === "end" ? token : end());
          at += 1;
        }
        return inside;
      }
      if (token.kind !== "operand") refuse("an expression is missing here", token);
      at += 1;
      return token.operand;
    }

    const and = () => chain(["and", "difference"], negation, "and");
    const expression = () => chain(["or"], and, "or");
    const tree = expression();
    if (at < tokens.length) refuse(end().kind === ")" ? "this `)` has no `(`" : "an operator is missing before this");
    return tree;
  }

  // ---- Matchers. Patterns that Python and a browser may read differently are not answered here.

  const escaped = (letter) => letter.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const escapedInSet = (letter) => letter.replace(/[\\^[\]-]/g, "\\$&");

  function globOf(glob, path, refuse) {
    const last = glob.lastIndexOf("]");
    let pattern = "";
    let at = 0;
    while (at < glob.length) {
      const letter = glob[at];
      const set = letter === "[" && at < last ? /\[(!?)(\]?[^\]]*)\]/y : null;
      if (set) set.lastIndex = at;
      const found = set && set.exec(glob);
      const across = path && "*/".includes(letter) ? /\*\*\/|\/\*\*$|\*\*/y : null;
      if (across) across.lastIndex = at;
      const crossed = across && across.exec(glob);
      if (found) {
        pattern += setOf(found[2], Boolean(found[1]), path, refuse);
        at += found[0].length;
      } else if (crossed) {
        pattern += { "**/": "(?:[^/]+/)*", "/**": "/[^]+", "**": "[^]*" }[crossed[0]];
        at += crossed[0].length;
      } else {
        const code = String.fromCodePoint(glob.codePointAt(at));
        pattern += code === "*" ? (path ? "[^/]*" : "[^]*") : code === "?" ? (path ? "[^/]" : "[^]") : escaped(code);
        at += code.length;
      }
    }
    return pattern;
  }

  function setOf(inside, negated, path, refuse) {
    const letters = [...inside];
    let body = "";
    for (let at = 0; at < letters.length; at += 1) {
      const ranged = letters[at + 1] === "-" && at + 2 < letters.length;
      if (ranged) {
        if (letters[at].codePointAt(0) > letters[at + 2].codePointAt(0)) refuse("wrong glob: bad character range");
        body += `${escapedInSet(letters[at])}-${escapedInSet(letters[at + 2])}`;
        at += 2;
      } else {
        body += escapedInSet(letters[at]);
      }
    }
    return `${negated && path ? "(?!/)" : ""}[${negated ? "^" : ""}${body}]`;
  }

  class Unanswerable extends Error {}

  // Python's pattern as one of the browser's with the same meaning; what is not certain to be the same is refused.
  function regexOf(pattern) {
    const WORDS = "\\p{L}\\p{N}_";
    const classes = { d: "\\p{Nd}", w: WORDS, s: "\\s\\x1c-\\x1f\\x85" };
    let found = "";
    let inSet = false;
    let setStart = -1;
    const letters = [...pattern];
    for (let at = 0; at < letters.length; at += 1) {
      const letter = letters[at];
      if (letter === "\\") {
        at += 1;
        const next = letters[at] ?? "";
        if (Object.hasOwn(classes, next)) found += inSet ? classes[next] : `[${classes[next]}]`;
        else if (!inSet && Object.hasOwn(classes, next.toLowerCase()) && next !== next.toLowerCase()) found += `[^${classes[next.toLowerCase()]}]`;
        else if (!inSet && next === "b") found += `(?:(?<![${WORDS}])(?=[${WORDS}])|(?<=[${WORDS}])(?![${WORDS}]))`;
        else if (!inSet && next === "A") found += "(?<![^])";
        else if (!inSet && next === "Z") found += "(?![^])";
        else if (/^[ntrfv]$/.test(next)) found += `\\${next}`;
        else if (next && !/[\p{L}\p{N}]/u.test(next)) found += /[\s"#%&',:;<=>@_`~!]/.test(next) || next.codePointAt(0) > 127 ? next : `\\${next}`;
        else throw new Unanswerable(`\\${next}`);
      } else if (inSet) {
        if (letter === "]" && at > setStart) {
          inSet = false;
          found += "]";
        } else if (letter === "[" || (letter === letters[at + 1] && "&|~-".includes(letter))) {
          throw new Unanswerable("a set in a set");
        } else {
          found += "]/".includes(letter) || letter === "^" ? `\\${letter}` : letter;
        }
      } else if (letter === "[") {
        inSet = true;
        found += "[";
        if (letters[at + 1] === "^") {
          found += "^";
          at += 1;
        }
        setStart = at + 1;
      } else if (letter === "(" && letters[at + 1] === "?") {
        const kind = letters.slice(at + 2, at + 4).join("");
        if (kind[0] === ":" || kind[0] === "=" || kind[0] === "!") found += "(";
        else throw new Unanswerable("(?…");
      } else if (letter === "$") {
        found += "(?=\\n?(?![^]))";
      } else if (letter === ".") {
        found += "[^\\n]";
      } else if (letter === "{") {
        const count = /^\{(\d*)(,?)(\d*)\}/.exec(letters.slice(at, at + 12).join(""));
        if (!count || (!count[1] && !count[3])) throw new Unanswerable("{");
        found += `{${count[1] || "0"}${count[2]}${count[3]}}`;
        at += count[0].length - 1;
      } else if (letter === "}" || letter === "]") {
        found += `\\${letter}`;
      } else if (letter === "+" && /[+*?}]/.test(letters[at - 1] ?? "") && letters[at - 2] !== "\\") {
        throw new Unanswerable("a possessive quantifier");
      } else {
        found += letter;
      }
    }
    if (inSet) throw new Unanswerable("[");
    try {
      return new RegExp(found, "u");
    } catch {
      throw new Refused("wrong regular expression", 0, 0);
    }
  }

  function testOf(matcher, path = false) {
    const wanted = matcher.text;
    if (matcher.kind === "=") return (name) => name === wanted;
    if (matcher.kind === "~") return (name) => name.includes(wanted);
    if (matcher.kind === "/") {
      const pattern = regexOf(wanted);
      return (name) => pattern.test(name);
    }
    let glob = wanted;
    if (path) {
      glob = glob.startsWith("./") ? glob.slice(2) : glob;
      glob = glob.replace(/\/+$/, "") || glob;
    }
    const inside = globOf(glob, path, (label) => {
      throw new Refused(label, 0, 0);
    });
    const pattern = new RegExp(path ? `^(?:${inside})(?:/[^\\n]*)?$` : `^(?:${inside})$`, "u");
    return (name) => pattern.test(name);
  }

  // ---- What a test is. Parts that are undefined are unknown.

  function partsOf(id) {
    const cut = id.indexOf("::");
    if (cut < 0) return { classes: [], name: id.slice(id.lastIndexOf("/") + 1), param: "" };
    const rest = id.slice(cut + 2);
    const bracket = rest.indexOf("[");
    const head = bracket < 0 ? rest : rest.slice(0, bracket);
    let param = bracket < 0 ? "" : rest.slice(bracket + 1);
    param = param.includes("]#") ? param.slice(0, param.indexOf("]#")) : param;
    const names = head.split("::");
    return { classes: names.slice(0, -1), name: names.at(-1), param: param.endsWith("]") ? param.slice(0, -1) : param };
  }

  const placed = (test, value) => (test.file ? value() : undefined);
  const SUBJECTS = {
    test: (test) => [test.id],
    name: (test) => [partsOf(test.id).name],
    file: (test) => placed(test, () => (test.above ? [test.file, test.above + test.file] : [test.file])),
    binary: (test) => placed(test, () => [test.file.slice(test.file.lastIndexOf("/") + 1).replace(/\.py$/, "")]),
    binary_id: (test) => SUBJECTS.file(test),
    module: (test) => (test.module === undefined ? undefined : test.module ? [test.module] : []),
    package: packagesOf,
    class: (test) =>
      placed(test, () => {
        const { classes } = partsOf(test.id);
        return classes.length > 1 ? [...classes, classes.join("::")] : classes;
      }),
    kind: (test) => (test.kind === undefined ? undefined : test.kind ? [test.kind] : []),
    fixture: (test) => test.fixtures,
    docstring: (test) => (test.docstring === undefined ? undefined : [test.docstring]),
    platform: (test) => test.platform,
    group: (test) =>
      test.marks && test.marks.filter(([name]) => name === "xdist_group").map(([, args, values]) => values.name || args[0] || "default"),
  };

  function packagesOf(test) {
    const found = [];
    const folders = test.file ? test.file.split("/").slice(0, -1) : [];
    for (const parts of [(test.module || "").split(".").slice(0, -1), folders]) {
      parts.forEach((_, length) => found.push(parts.slice(0, length + 1).join(".")));
    }
    return found;
  }

  function leafOf({ name, given }) {
    if (name === "all" || name === "none") return () => name === "all";
    const matchers = given.filter((one) => one.kind);
    if (name === "failed") return matchers[0].text === "last" ? (test) => test.failed : () => null;
    if (name === "flaky") return (test) => test.flaky;
    if (name === "quarantined") return (test) => test.quarantined;
    if (name === "slow") return slowOf(matchers[0]);
    if (name === "mark") return markOf(matchers);
    if (name === "param") return paramOf(matchers);
    if (!Object.hasOwn(SUBJECTS, name)) return () => null;
    const matches = testOf(matchers[0], name === "file" || name === "binary_id");
    const subject = SUBJECTS[name];
    return (test) => {
      const names = subject(test);
      if (names === undefined) return null;
      if (names.some(matches)) return true;
      return name === "package" && test.module === undefined ? null : false;
    };
  }

  function slowOf({ kind, seconds }) {
    const compare = { ">": (one) => one > seconds, ">=": (one) => one >= seconds, "<": (one) => one < seconds, "<=": (one) => one <= seconds }[kind];
    return (test) => (test.seconds === undefined ? null : compare(test.seconds));
  }

  function markOf(matchers) {
    const matches = testOf(matchers[0]);
    const values = matchers.slice(1).map((one) => [one.key, testOf(one)]);
    const valueOf = ([, args, keyed], key) => (/^\p{Nd}+$/u.test(key) ? args[Number(key)] : Object.hasOwn(keyed, key) ? keyed[key] : undefined);
    return (test) =>
      test.marks === undefined
        ? null
        : test.marks.some((mark) => matches(mark[0]) && values.every(([key, holds]) => valueOf(mark, key) !== undefined && holds(valueOf(mark, key))));
  }

  function paramOf(matchers) {
    const asked = matchers.map((one) => [one.key, testOf(one)]);
    return (test) =>
      both(
        asked.map(([key, holds]) => {
          if (!key) {
            const { param } = partsOf(test.id);
            return param ? holds(param) : false;
          }
          if (test.params === undefined) return partsOf(test.id).param ? null : false;
          return Object.hasOwn(test.params, key) ? holds(test.params[key]) : false;
        }),
      );
  }

  // ---- Answers: true, false, or null for unknown.

  const both = (answers) => (answers.includes(false) ? false : answers.includes(null) ? null : true);

  function compiled(tree, named) {
    if (tree.not) {
      const inside = compiled(tree.not, named);
      return (test) => {
        const answer = inside(test);
        return answer === null ? null : !answer;
      };
    }
    if (tree.and || tree.or) {
      const parts = (tree.and || tree.or).map((one) => compiled(one, named));
      const decides = Boolean(tree.or); // the answer of a part that makes the others needless
      return (test) => {
        let unknown = false;
        for (const part of parts) {
          const answer = part(test);
          if (answer === decides) return decides;
          if (answer === null) unknown = true;
        }
        return unknown ? null : !decides;
      };
    }
    if (Object.hasOwn(named, tree.name)) return compiled(parse(named[tree.name]), named);
    return leafOf(tree);
  }

  // A function from a test to true, false or null. Throws `Refused` for a mistake in the expression, and `Unanswerable`
  // for a pattern that a browser may read in another way.
  const compile = (source, named = {}) => compiled(parse(source), named);

  return { compile, parse, Refused, Unanswerable };
})();

if (typeof module !== "undefined") module.exports = Filters;
