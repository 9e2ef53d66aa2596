// Manners of the pages that htmx makes livelier; everything works without it.
"use strict";

// Empty fields stay out of the address, so that it is short to share.
function dropEmpty(data) {
  for (const [name, value] of [...data.entries()]) {
    if (value === "") data.delete(name, value);
  }
}

document.addEventListener("formdata", (event) => {
  if (event.target.method === "get") dropEmpty(event.formData);
});

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb === "get") dropEmpty(event.detail.formData);
});

// The phone's sheet of filters makes way for what it found.
document.addEventListener("submit", () => {
  const sheet = document.getElementById("filters");
  if (sheet?.matches(":popover-open")) sheet.hidePopover();
});

// Where the server fails, show its page about it instead of nothing.
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, (event) => {
    const { verb, path } = event.detail.requestConfig;
    const address = event.detail.pathInfo?.finalRequestPath ?? path;
    if (verb === "get" && address) location.assign(address);
  });
}
