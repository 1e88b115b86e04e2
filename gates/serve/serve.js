"use strict";
// Asks for this page again and again, and replaces the parts that differ; times go on by themselves in between.
(() => {
  const parts = (page) => new Map([...page.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  const shown = new Map([...parts(document)].map(([name, part]) => [name, part.outerHTML]));
  const live = document.body.dataset.page === "live" || document.querySelector("[data-since]") !== null;
  let tag = "";

  const two = (number) => String(number).padStart(2, "0");
  const spoken = (seconds) => {
    const whole = Math.max(0, Math.round(seconds));
    if (whole < 60) return `${whole}s`;
    if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
    return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole % 3600 / 60))}m`;
  };
  const tick = () => {
    const now = Date.now() / 1000;
    for (const node of document.querySelectorAll("[data-since]")) node.textContent = spoken(now - Number(node.dataset.since));
    for (const node of document.querySelectorAll("[data-until]")) node.textContent = spoken(Number(node.dataset.until) - now);
  };

  const replace = (next) => {
    const here = parts(document);
    for (const [name, part] of parts(next)) {
      const old = here.get(name), text = part.outerHTML;
      if (old === undefined || shown.get(name) === text) continue;
      shown.set(name, text);
      const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
      const open = [...old.querySelectorAll("details[open]")].map((node) => node.id);
      old.replaceWith(document.adoptNode(part));
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
    document.title = next.title;
    tick();
  };

  const ask = async () => {
    const lost = document.getElementById("lost");
    try {
      const answer = await fetch(location.pathname, { cache: "no-store", headers: tag ? { "If-None-Match": tag } : {} });
      lost.textContent = "";
      if (answer.status === 304) return;
      tag = answer.headers.get("ETag") ?? "";
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (next.body.dataset.page !== document.body.dataset.page) location.reload(); // the run has ended, or is gone
      else replace(next);
    } catch {
      lost.textContent = "gates serve does not answer any more: what is shown here may be old.";
    }
  };

  if (document.body.dataset.page === "refusal") return;
  const again = async () => {
    if (!document.hidden) await ask();
    setTimeout(again, live || document.querySelector("[data-since]") ? 1000 : 3000);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  setInterval(tick, 1000);
  tick();
  again();
})();
