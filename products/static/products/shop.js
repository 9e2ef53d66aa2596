// Manners of the pages that htmx makes livelier; everything works without it.
"use strict";

// What is empty or the default anyway stays out of the address: it is short to share.
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

// The phone's sheet of filters makes way for what it found.
document.addEventListener("submit", () => {
  const sheet = document.getElementById("filters");
  if (sheet?.matches(":popover-open")) sheet.hidePopover();
});

// Where the server fails, show its page about it instead of nothing.
document.addEventListener("htmx:responseError", (event) => {
  const { verb } = event.detail.requestConfig;
  if (verb === "get") location.assign(event.detail.pathInfo.finalRequestPath);
});
