// Makes the pages that use htmx more pleasant; everything works without scripts.
"use strict";

// Leave parameters that are empty or have their default out: short addresses share well.
const DEFAULTS = { mode: ["hybrid"], sort: ["name", "relevance"], diversity: ["0"] };

function dropDefaults(data) {
  for (const name of new Set(data.keys())) {
    if (name === "category") continue; // products without one have the value ""
    const values = data.getAll(name);
    if (values.every((value) => value === "" || DEFAULTS[name]?.includes(value))) {
      data.delete(name);
    }
  }
}

document.addEventListener("formdata", (event) => {
  if (event.target.method === "get") dropDefaults(event.formData);
});

document.addEventListener("htmx:configRequest", (event) => {
  const { elt, formData, verb } = event.detail;
  if (verb !== "get") return;
  dropDefaults(formData);
  // Only the box itself asks for categories by name; a question shows the largest again.
  if (elt.name !== "within") formData.delete("within");
});

// The box narrows the list of categories, and is no part of the question.
document.addEventListener(
  "change",
  (event) => {
    if (event.target.name === "within") event.stopPropagation();
  },
  true,
);

// The two sliders and the two numbers of a price range show the same. A slider at its
// end leaves the number empty: then products added later pass as well.
const sliders = document.querySelectorAll(".sliders input");

function drawSliders() {
  for (const slider of sliders) {
    const share = (slider.value - slider.min) / (slider.max - slider.min);
    slider.parentElement.style.setProperty(`--${slider.id}`, share);
  }
}

function showNumbers() {
  for (const slider of sliders) {
    const { value } = document.getElementById(slider.dataset.for);
    slider.value = value === "" ? slider.defaultValue : value;
  }
  drawSliders();
}

function slide(moved) {
  const [low, high] = sliders;
  if (Number(low.value) > Number(high.value)) moved.value = (moved === low ? high : low).value;
  const atEnd = moved.value === moved.defaultValue;
  document.getElementById(moved.dataset.for).value = atEnd ? "" : moved.value;
  drawSliders();
}

document.addEventListener("input", (event) => {
  if (event.target.closest(".sliders")) slide(event.target);
  else if (event.target.closest(".prices")) showNumbers();
});
// Back may bring numbers along after the page was read.
addEventListener("pageshow", showNumbers);
showNumbers();

// Each question gets an entry in the browser's history, so that Back leads to the one
// before. While somebody goes on typing, the entry of the half typed one is replaced.
const PAUSE = 2000; // milliseconds after which a longer text is a new question
let askedAt = 0;
let lastTyped = null;

document.addEventListener("htmx:configRequest", () => {
  askedAt = Date.now();
});

document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
  const { history, requestConfig } = event.detail;
  const address = new URL(history.path, location.href);
  const isTyped = requestConfig.triggeringEvent?.type === "input";
  const typed = isTyped ? { text: address.searchParams.get("q") ?? "", askedAt } : null;
  const goesOn =
    typed && lastTyped && typed.text.startsWith(lastTyped.text) && askedAt - lastTyped.askedAt < PAUSE;
  if (goesOn || address.pathname + address.search === location.pathname + location.search) {
    history.type = "replace";
  }
  lastTyped = typed;
});

// On a phone the sheet of filters closes after a search, to show the results.
document.addEventListener("submit", () => {
  const sheet = document.getElementById("filters");
  if (sheet?.matches(":popover-open")) sheet.hidePopover();
});

// If the server fails, show its error page. htmx alone would show nothing.
document.addEventListener("htmx:responseError", (event) => {
  const { verb } = event.detail.requestConfig;
  if (verb === "get") location.assign(event.detail.pathInfo.finalRequestPath);
});
