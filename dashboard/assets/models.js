// Thresholds of the page Models: a slider and a number for each, and the address, all the same.
(function () {
  "use strict";
  const NAMES = ["review", "decline"];

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.models = {
    thresholds(reviewSlider, reviewNumber, declineSlider, declineNumber, asked, search) {
      const none = window.dash_clientside.no_update;
      const told = { "review-slider": reviewSlider, "review-number": reviewNumber,
        "decline-slider": declineSlider, "decline-number": declineNumber };
      const words = new URLSearchParams(search || "");
      // The address says where they stand; else those that the page asks about.
      const standing = {};
      for (const name of NAMES) {
        standing[name] = words.has(name) ? Number(words.get(name)) : asked ? asked[name] : null;
      }
      if (standing.review === null || standing.decline === null) return [none, none, none, none, none];
      const changed = window.dash_clientside.callback_context.triggered
        .map((each) => each.prop_id.split(".")[0].replace("models-", ""))
        .filter((each) => each in told && told[each] !== null && told[each] !== undefined && told[each] !== "");
      const wanted = { ...standing };
      for (const each of changed) {
        const name = each.split("-")[0];
        const value = Math.min(1, Math.max(0, Number(told[each])));
        if (value !== standing[name] && Number.isFinite(value)) wanted[name] = value;
      }
      // What is moved past the other one takes it along.
      if (wanted.review > wanted.decline) {
        if (wanted.review !== standing.review) wanted.decline = wanted.review;
        else wanted.review = wanted.decline;
      }
      let after = none;
      if (NAMES.some((name) => wanted[name] !== standing[name])) {
        for (const name of NAMES) words.set(name, String(wanted[name]));
        after = "?" + words.toString();
      }
      const places = NAMES.flatMap((name) => ["slider", "number"].map((kind) =>
        told[name + "-" + kind] === wanted[name] ? none : wanted[name]));
      return [after, ...places];
    },
  };
})();
