// The console's script: local times, live updates, themes, the pending list, and dialogs that ask before something is destroyed.
(() => {
  "use strict";
  const root = document.documentElement;
  const language = root.lang || "en";
  const words = JSON.parse(document.querySelector("meta[name=katakei-words]")?.content || "{}");
  const zone = new Intl.DateTimeFormat(language, { timeZoneName: "short" });
  const forms = {
    time: { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false },
    minute: { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false },
  };
  const zoned = {};
  for (const [name, form] of Object.entries(forms)) {
    zoned[name] = new Intl.DateTimeFormat(language === "ja" ? "ja-JP" : "en-CA", { ...form, timeZoneName: "short" });
  }

  // The server writes UTC; the reader sees local time with its zone, and UTC as the title.
  function localize(within) {
    for (const each of within.querySelectorAll("time[datetime]:not([data-local])")) {
      const moment = new Date(each.getAttribute("datetime"));
      if (Number.isNaN(moment.valueOf())) continue;
      each.title = each.title || each.textContent.trim();
      each.textContent = zoned[each.dataset.form === "time" ? "time" : "minute"].format(moment);
      each.dataset.local = zone.resolvedOptions().timeZone;
    }
  }

  // "for 1m 30s": counted in the browser, so that nothing has to be fetched for it.
  const began = Date.now();
  function count() {
    for (const each of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.round((Date.now() - began + Number(root.dataset.now) * 1000) / 1000 - Number(each.dataset.since)));
      const text = span(seconds);
      if (each.textContent !== text) each.textContent = text;
    }
  }
  function span(seconds) {
    const [d, h, m] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
    const said = (unit, number) => (words[unit] ?? "{}").replace("{}", number);
    if (d) return `${said("day", d)} ${said("hour", h)}`;
    if (h) return `${said("hour", h)} ${said("minute", m)}`;
    return m ? `${said("minute", m)} ${said("second", seconds % 60)}` : said("second", seconds);
  }

  // What the reader opened stays open through an update: the server does not know of it.
  window.htmx?.config.morphIgnore.push("open");

  // Server-sent events are only a signal: the page then asks for its live parts, at most once a second.
  const feed = { held: false, dirty: false, waiting: 0, last: 0, connection: "", failed: false, trouble: "" };
  const AGAIN = 3000;
  function changed() {
    if (feed.held) {
      feed.dirty = true;
      show();
      return;
    }
    if (feed.waiting || document.hidden) {
      feed.dirty = feed.dirty || document.hidden;
      return;
    }
    feed.waiting = setTimeout(refresh, Math.max(0, 1000 - (Date.now() - feed.last)));
  }
  function refresh() {
    feed.waiting = 0;
    feed.dirty = false;
    feed.last = Date.now();
    document.body.dispatchEvent(new CustomEvent("katakei:changed"));
  }
  // What the reader has to know about the page: whether it is live, and why it is not.
  function show() {
    const label = document.querySelector("[data-feed]");
    if (!label || !feed.connection) return;
    const lost = feed.failed && feed.connection === "live" ? "lost" : feed.connection;
    const state = lost === "live" && feed.held ? "held" : lost;
    const text = (state === "live" && feed.trouble) || (words[state] ?? "");
    label.dataset.feed = feed.trouble && text === feed.trouble ? "trouble" : state;
    if (label.textContent !== text) label.textContent = text;
  }
  // An answer with an error never replaces what the page shows. The page asks again.
  function failed(status) {
    feed.failed = true;
    if (status === 401 || status === 403) feed.connection = "denied";
    else setTimeout(changed, AGAIN);
    show();
  }
  document.addEventListener("htmx:before:response", (event) => {
    const { sourceElement, response } = event.detail?.ctx || {};
    if (sourceElement?.id !== "part") return;
    if (response.status < 400) feed.failed = false;
    else {
      event.preventDefault();
      failed(response.status);
    }
    show();
  });
  document.addEventListener("htmx:error", (event) => { if (event.detail?.ctx?.sourceElement?.id === "part") failed(0); });
  document.addEventListener("htmx:sse:before:message", (event) => {
    event.preventDefault();
    const { message, connection } = event.detail;
    event.detail.cancelled = true;
    const told = message.event === "trouble" || message.event === "ended" ? JSON.parse(message.data) : {};
    feed.trouble = message.event === "trouble" ? told.message : "";
    connection.config.reconnectDelay = feed.trouble ? 5000 : 500;
    // The last message: the rollout is finished, or (with a sentence) the reader may not read any more.
    if (message.event === "ended") over(connection, told.message ? "denied" : "ended");
    show();
    changed();
  });
  function connected(state) {
    feed.connection = state;
    show();
  }
  function over(connection, state) {
    connection.cancelled = connection.over = true;
    connected(state);
  }
  document.addEventListener("htmx:sse:after:connection", () => {
    connected("live");
    changed();
  });
  document.addEventListener("htmx:sse:error", (event) => {
    const { status, connection } = event.detail || {};
    if (status === 401 || status === 403) over(connection, "denied");
    else connected("lost");
  });
  document.addEventListener("htmx:sse:before:connection", (event) => {
    if (event.detail.connection.over) event.preventDefault();
    else if (event.detail.connection.attempt) connected("lost");
  });
  document.addEventListener("htmx:sse:close", () => { if (feed.connection === "live") connected("lost"); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && feed.dirty && !feed.held) changed(); });

  document.addEventListener("click", (event) => {
    const hold = event.target.closest("[data-hold]");
    if (hold) {
      feed.held = !feed.held;
      hold.setAttribute("aria-pressed", String(feed.held));
      show();
      if (!feed.held) changed();
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(document.getElementById(copy.dataset.copy)?.textContent || "");
  });

  // Tick everything, and how many are ticked. The buttons say what they need.
  function ticks(form) {
    const all = [...form.querySelectorAll("input[name=target]")];
    const ticked = all.filter((each) => each.checked).length;
    const every = form.querySelector("[data-every]");
    if (every) {
      every.checked = ticked > 0 && ticked === all.length;
      every.indeterminate = ticked > 0 && ticked < all.length;
    }
    for (const each of form.querySelectorAll("[data-ticked]")) each.textContent = String(ticked);
    for (const each of form.querySelectorAll("[data-needs-tick]")) each.disabled = ticked === 0;
  }
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form?.querySelector("[data-needs-tick]")) return;
    if (event.target.matches("[data-every]")) {
      for (const each of form.querySelectorAll("input[name=target]")) each.checked = event.target.checked;
    }
    ticks(form);
  });

  // A dialog that asks before something is destroyed: the browser's own element, with focus and Escape.
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.opens);
      if (dialog?.showModal) {
        event.preventDefault();
        dialog.showModal();
      }
    }
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  });

  // Charts: how many registrations served, against the floor.
  const drawn = new Map();
  function chart(each) {
    if (!window.uPlot) return;
    const data = JSON.parse(each.dataset.chart);
    const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
    const ink = getComputedStyle(each).color;
    const probe = document.createElement("span");
    each.append(probe);
    const solid = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };
    const colors = { serving: solid("--good-bar"), floor: solid("--bad-bar"), soft: solid("--soft"), line: solid("--line") };
    probe.remove();
    const known = drawn.get(each.id);
    if (known && known.element === each && each.contains(known.plot.root) && known.ink === ink) {
      known.plot.setData([data.at, data.serving, data.floor]);
      return;
    }
    known?.plot.destroy();
    each.replaceChildren();
    const top = Math.max(1, data.top);
    const axis = { stroke: colors.soft, grid: { stroke: colors.line, width: 1 }, ticks: { stroke: colors.line, width: 1 } };
    const plot = new uPlot({
      width: each.clientWidth || 300, height: 150, legend: { show: false }, cursor: { show: false },
      scales: { y: { range: [0, top * 1.08] }, x: { range: (_, low, high) => [low, high > low ? high : low + 1] } },
      axes: [
        { ...axis, values: (_, splits) => splits.map((at) => zoned.time.format(new Date(at * 1000)).replace(/\s.*$/, "")), space: 80 },
        { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000], size: 40 },
      ],
      series: [{}, { stroke: colors.serving, width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
        { stroke: colors.floor, width: 1.5, dash: [6, 5], points: { show: false } }],
    }, [data.at, data.serving, data.floor], each);
    drawn.set(each.id, { plot, element: each, ink, color });
  }
  function charts(within) {
    for (const each of within.querySelectorAll("[data-chart]")) chart(each);
    for (const [id, known] of drawn) {
      if (!document.contains(known.element)) {
        known.plot.destroy();
        drawn.delete(id);
      }
    }
  }
  addEventListener("resize", () => { for (const { plot, element } of drawn.values()) plot.setSize({ width: element.clientWidth, height: 150 }); });

  function arrived(within) {
    localize(within);
    for (const form of within.querySelectorAll("form")) if (form.querySelector("[data-needs-tick]")) ticks(form);
    charts(document);
    count();
  }
  // A morph writes UTC into a time that was localized before: mark it as new.
  document.addEventListener("htmx:after:swap", () => {
    for (const each of document.querySelectorAll("time[data-local]")) {
      if (each.textContent.endsWith("UTC") || each.textContent.endsWith("Z")) delete each.dataset.local;
    }
    arrived(document);
    if (feed.connection === "ended" && !document.querySelector("[data-finished]")) connect();
    const now = document.querySelector("[data-focus]");
    if (now) {
      delete now.dataset.focus;
      now.focus({ preventScroll: false });
    }
  });
  document.addEventListener("htmx:config:request", (event) => {
    const token = document.querySelector("meta[name=csrf]")?.content;
    const request = event.detail?.ctx?.request;
    if (token && request) request.headers["X-CSRF-Token"] = token;
  });
  // htmx looks for streams once, in a task of its own. The script of the streams may arrive after that, so that the
  // element is made here: this script runs after both. A finished rollout has nothing to send until it is retried.
  function connect() {
    if (document.querySelector("[data-finished]")) {
      connected("ended");
      return;
    }
    for (const each of document.querySelectorAll("[data-stream]")) {
      const stream = document.createElement("div");
      stream.setAttribute("hx-sse:connect", each.dataset.stream);
      stream.setAttribute("hx-trigger", "load");
      each.replaceChildren(stream);
      window.htmx?.process(stream);
    }
  }
  document.addEventListener("DOMContentLoaded", () => {
    setTimeout(connect);
    root.dataset.script = "on";
    arrived(document);
    setInterval(count, 1000);
    document.querySelector("[autofocus], [data-focus]")?.focus();
    performance.mark("katakei:ready");
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts(document));
})();
