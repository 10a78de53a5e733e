// Starts ReDoc on the page. Its search needs a worker made of a string, which the security policy does not allow.
const place = document.getElementById("api-docs");
Redoc.init(
  place.dataset.openapi,
  {
    disableSearch: true,
    hideDownloadButton: true,
    theme: { typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } },
  },
  place,
);
