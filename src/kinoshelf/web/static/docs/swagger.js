// Starts Swagger UI on the page. It asks nobody but this server: the badge of an outside validator stays off.
const place = document.getElementById("api-docs");
SwaggerUIBundle({
  url: place.dataset.openapi,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "none",
  tagsSorter: "alpha",
});
