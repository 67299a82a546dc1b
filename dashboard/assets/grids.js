// What tables draw beside words.
(function () {
  "use strict";
  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

  // A number with a bar: the row has its share of the whole, and the words.
  cells.Bar = function (props) {
    const make = window.React.createElement;
    const field = props.colDef.field;
    const share = Math.round(100 * (props.data[field + "_share"] || 0));
    const fill = make("span", { className: "bar-fill", "data-full": share >= 90, style: { width: share + "%" } });
    return make(
      "span",
      { className: "bar" },
      make("span", { className: "bar-track", "aria-hidden": true }, fill),
      make("span", null, props.data[field + "_text"])
    );
  };
})();
