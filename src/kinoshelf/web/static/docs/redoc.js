// Starts ReDoc on the page. Its search needs a worker made of a string, which the security policy does not allow.
const place = document.getElementById("api-docs");

// The library shows a picture of its maker's from another site. What the policy would refuse is not asked for.
const picture = HTMLImageElement.prototype;
const source = Object.getOwnPropertyDescriptor(picture, "src");
const isOwn = (address) => {
  const url = new URL(address, location.href);
  return url.protocol === "data:" || url.origin === location.origin;
};
Object.defineProperty(picture, "src", {
  ...source,
  set(address) {
    if (isOwn(address)) source.set.call(this, address);
  },
});
picture.setAttribute = function (name, value) {
  if (name !== "src" || isOwn(value)) Element.prototype.setAttribute.call(this, name, value);
};

Redoc.init(
  place.dataset.openapi,
  {
    disableSearch: true,
    hideDownloadButton: true,
    theme: { typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } },
  },
  place,
);
