// What a browser knows best: its address, its clock, its time zone, and whether news still come.
(function () {
  "use strict";
  const none = () => window.dash_clientside.no_update;
  const SILENT_MS = 4000;
  const RENEW_MS = 120000;
  // What a page keeps on the way to another one.
  const KEPT = ["range", "from", "to", "at", "tz"];
  let renewedAt = Date.now();
  let unanswered = 0;
  let askedAt = 0;
  // By this clock, which no other one has to agree with.
  let heardLast = null;
  let heardAt = performance.now();

  function signIn() {
    const here = location.pathname + location.search;
    location.assign("/sign-in?next=" + encodeURIComponent(here));
  }

  // The cookie goes on as long as the page is open; who is signed out is told so by its end.
  async function renew() {
    renewedAt = Date.now();
    try {
      const within = AbortSignal.timeout(SILENT_MS);
      const answer = await fetch("/session", { method: "POST", signal: within });
      unanswered = 0;
      if (answer.status === 401) signIn();
    } catch (error) {
      unanswered += 1;
      renewedAt = 0; // nobody is there: the next tick tries again
    }
  }

  function query(search) {
    return new URLSearchParams(search || "");
  }

  function address(words) {
    const text = words.toString();
    return text ? "?" + text : "";
  }

  function trigger() {
    const context = window.dash_clientside.callback_context;
    return context.triggered.length ? context.triggered[0].prop_id.split(".")[0] : "";
  }

  // An action that was refused has 403, and in its body what the page shall say; the page's own code reads bodies
  // of 200 alone.
  const fetched = window.fetch.bind(window);
  window.fetch = async (what, how) => {
    const answer = await fetched(what, how);
    const isTold = answer.status === 403 && answer.headers.has("X-Refused");
    return isTold ? new Response(answer.body, { status: 200, headers: answer.headers }) : answer;
  };

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.monitor = {
    colours(theme) {
      const system = window.matchMedia("(prefers-color-scheme: dark)").matches;
      const dark = theme ? theme === "dark" : system;
      document.documentElement.style.colorScheme = dark ? "dark" : "light";
      return [dark, dark ? "dark" : "light", dark ? "Light" : "Dark"];
    },

    flip(clicks, dark) {
      return dark ? "light" : "dark";
    },

    view(path, search, dark) {
      if (dark === undefined || dark === null) return none();
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
      return { path: path, search: search || "", dark: dark, zone: zone };
    },

    controls(view) {
      const words = query(view.search);
      const fixed = words.has("at") || words.has("to");
      const range = words.has("from") ? null : words.get("range") || "1h";
      return [range, fixed ? "Resume" : "Pause", words.get("tz") === "local" ? "Local" : "UTC"];
    },

    choose(range, pauses, zones, search) {
      const words = query(search);
      const before = address(words);
      const by = trigger();
      if (by === "range") {
        if (!range || range === (words.get("range") || "1h")) return none();
        words.set("range", range);
        for (const name of ["from", "to", "at"]) words.delete(name);
      } else if (by === "pause") {
        if (words.has("at") || words.has("to")) {
          for (const name of ["from", "to", "at"]) words.delete(name);
        } else {
          words.set("at", new Date().toISOString().slice(0, 19) + "Z");
        }
      } else if (by === "zone") {
        if (words.get("tz") === "local") words.delete("tz");
        else words.set("tz", "local");
      }
      const after = address(words);
      return after === before ? none() : after;
    },

    tick(ticks, ended, heard, asked) {
      if (ended) {
        signIn();
        return [none(), none(), none()];
      }
      const now = performance.now();
      if (Date.now() - renewedAt > RENEW_MS) renew();
      if (heard !== heardLast) {
        heardLast = heard;
        heardAt = now;
      }
      const silent = now - heardAt;
      // The gateway's silence is told by the monitor; that of the monitor nobody else can tell.
      document.body.toggleAttribute("data-unanswered", unanswered > 1);
      if (silent < SILENT_MS) return [none(), none(), none()];
      const told = heard ? "Stale · " + Math.round(silent / 1000) + " s" : "No news yet";
      if (now - askedAt < SILENT_MS) return [none(), told, "stale"];
      askedAt = now;
      renew();
      return [(asked || 0) + 1, told, "stale"];
    },

    links(view, ids) {
      const words = query(view.search);
      for (const name of [...words.keys()]) if (!KEPT.includes(name)) words.delete(name);
      return ids.map((id) => id.menu + address(words));
    },

    menu(opened, navbar) {
      return { ...navbar, collapsed: { mobile: !opened } };
    },
  };
})();
