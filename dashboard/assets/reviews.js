// The pages of reviews: filters in the address, views that this browser keeps, keys, links in the queue.
(function () {
  "use strict";
  const none = () => window.dash_clientside.no_update;
  const FILTERS = ["sort", "decision", "held_by", "escalated", "snoozed", "min_amount_minor"];
  const USUAL = { sort: "expected_loss", snoozed: "false" };
  const ON_CASES = {
    t: "reviews-take", r: "reviews-release", u: "reviews-undo", a: "reviews-genuine", f: "reviews-fraud",
    e: "reviews-escalate", s: "reviews-snooze", Escape: "reviews-back",
  };
  const EVERYWHERE = { n: "reviews-next", "?": "reviews-keys" };
  const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [role=listbox]";
  let keysOn = true;
  let lastOpened = null;

  // --- addresses

  function query(search) {
    return new URLSearchParams(search || "");
  }

  function address(words) {
    const text = words.toString();
    return text ? "?" + text : "";
  }

  // As the links of Dash do it: the page stays, its address changes.
  function go(href) {
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  // What of an address makes a view of the queue; without the page that somebody has come to.
  function viewOf(search) {
    const words = query(search);
    const kept = new URLSearchParams();
    for (const name of FILTERS) if (words.get(name)) kept.set(name, words.get(name));
    return address(kept);
  }

  // A page that is drawn anew has lost the focus of whoever uses a keyboard.
  function keepFocus() {
    const id = document.activeElement && document.activeElement.id;
    const page = document.getElementById("page");
    if (!id || !page) return;
    const before = document.activeElement;
    const watch = new MutationObserver(() => {
      const found = document.getElementById(id);
      if (!found || found === before) return;
      watch.disconnect();
      if (document.activeElement === document.body) found.focus();
    });
    watch.observe(page, { childList: true, subtree: true });
    setTimeout(() => watch.disconnect(), 3000);
  }

  // --- the grid

  function grid() {
    try {
      return window.dash_ag_grid.getApi("reviews-grid") || null;
    } catch (error) {
      return null;
    }
  }

  function move(step) {
    const api = grid();
    if (!api || !api.getDisplayedRowCount()) return;
    const focused = api.getFocusedCell();
    const left = lastOpened && api.getRowNode(lastOpened);
    let row = 0;
    if (focused) row = focused.rowIndex + step;
    else if (left) row = left.rowIndex;
    row = Math.min(Math.max(row, 0), api.getDisplayedRowCount() - 1);
    api.ensureIndexVisible(row);
    api.setFocusedCell(row, "id");
  }

  function openFocused() {
    const api = grid();
    const focused = api && api.getFocusedCell();
    const node = focused && api.getDisplayedRowAtIndex(focused.rowIndex);
    const link = node && document.querySelector(`#reviews-grid [row-index="${node.rowIndex}"] a`);
    if (link) link.click();
  }

  window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};
  window.dashAgGridComponentFunctions.CaseLink = function (props) {
    function open(event) {
      lastOpened = props.data.id;
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      go(props.data.href);
    }
    return window.React.createElement("a", { href: props.data.href, onClick: open, tabIndex: -1 }, props.value);
  };

  // --- keys

  const shown = (element) => element.getClientRects().length > 0;

  function isBusy(target) {
    if (target.isContentEditable || target.closest(TYPING)) return true;
    return [...document.querySelectorAll('[role="dialog"]')].some(shown);
  }

  function press(id) {
    const button = document.getElementById(id);
    if (button && !button.disabled) button.click();
    return Boolean(button);
  }

  function inQueue(event, target) {
    const cell = target.closest("#reviews-grid .ag-row");
    const nowhere = target === document.body || target === document.documentElement;
    if (event.key === "j" || (event.key === "ArrowDown" && nowhere)) move(1);
    else if (event.key === "k" || (event.key === "ArrowUp" && nowhere)) move(-1);
    else if (event.key === "Enter" && cell && !target.closest("a, button")) openFocused();
    else if (event.key === "/") document.getElementById("reviews-sort").focus();
    else return false;
    return true;
  }

  function heard(event) {
    const target = event.target instanceof Element ? event.target : document.body;
    if (!keysOn || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (!/^\/reviews(\/|$)/.test(location.pathname) || isBusy(target)) return;
    const isCase = Boolean(document.getElementById("reviews-back"));
    const id = EVERYWHERE[event.key] || (isCase ? ON_CASES[event.key] : undefined);
    const isQueue = !isCase && document.getElementById("reviews-grid");
    const done = id ? !event.repeat && press(id) : isQueue && inQueue(event, target);
    if (done) event.preventDefault();
  }

  document.addEventListener("keydown", heard);

  // Whoever comes back to the queue goes on where he was.
  document.addEventListener("click", (event) => {
    const back = event.target instanceof Element && event.target.closest("#reviews-back");
    if (back) lastOpened = decodeURIComponent(location.pathname.split("/")[2] || "");
  }, true);

  // --- what Dash calls

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.reviews = {
    dialog(opens, shuts) {
      const triggered = window.dash_clientside.callback_context.triggered;
      const by = triggered.find((each) => each.value);
      return by ? !by.prop_id.includes("-shut.") : none();
    },

    hear(on) {
      keysOn = Boolean(on);
      return keysOn ? "Keys are on" : "Keys are off";
    },

    filter(...given) {
      const search = given.pop();
      const words = query(search);
      const before = address(words);
      FILTERS.forEach((name, place) => {
        const last = name === "min_amount_minor";
        const value = last ? String(Math.round((Number(given[place]) || 0) * 100)) : given[place];
        const usual = last ? "0" : USUAL[name] || "any";
        if (!value || value === usual) words.delete(name);
        else words.set(name, value);
      });
      if (viewOf(address(words)) === viewOf(before)) return none();
      words.delete("cursor");
      keepFocus();
      return address(words);
    },

    list(kept, search) {
      const names = Object.keys(kept || {}).sort();
      const here = viewOf(search);
      const open = names.find((name) => kept[name] === here);
      return [names.map((name) => ({ value: name, label: name })), open === undefined ? null : open];
    },

    pick(name, kept, search) {
      if (!name || !kept || !(name in kept) || kept[name] === viewOf(search)) return none();
      const words = query(search);
      for (const each of [...FILTERS, "cursor"]) words.delete(each);
      for (const [each, value] of query(kept[name])) if (FILTERS.includes(each)) words.set(each, value);
      keepFocus();
      return address(words);
    },

    save(clicks, name, kept, search) {
      const called = (name || "").trim();
      if (!clicks || !called) return [none(), none()];
      return [{ ...(kept || {}), [called]: viewOf(search) }, ""];
    },

    forget(clicks, name, kept) {
      if (!clicks || !name || !kept) return none();
      return Object.fromEntries(Object.entries(kept).filter(([each]) => each !== name));
    },

    codes(verdict, codes) {
      return [(codes || {})[verdict] || [], null];
    },

    selected(rows) {
      const many = (rows || []).length;
      return [many ? `Close ${many} selected…` : "Close selected…", many === 0];
    },
  };
})();
