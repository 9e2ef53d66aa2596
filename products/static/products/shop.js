// Makes the pages that use htmx more pleasant; everything works without scripts.
"use strict";

// Leave parameters that are empty or have their default out: short addresses share well.
const DEFAULTS = { mode: "hybrid", sort: "name", diversity: "0" };

function dropDefaults(data) {
  for (const name of new Set(data.keys())) {
    const values = data.getAll(name);
    if (values.every((value) => value === "" || value === DEFAULTS[name])) {
      data.delete(name);
    }
  }
}

document.addEventListener("formdata", (event) => {
  if (event.target.method === "get") dropDefaults(event.formData);
});

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb === "get") dropDefaults(event.detail.formData);
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
