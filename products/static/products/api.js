// Shows the description of the API by Swagger UI, light or dark as the page is.
"use strict";

const place = document.getElementById("api");
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function dress() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

dress();
dark.addEventListener("change", dress);
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  defaultModelsExpandDepth: -1, // each operation shows those it has
  validatorUrl: null,
});
