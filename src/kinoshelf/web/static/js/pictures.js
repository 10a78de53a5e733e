// Pictures that were still on their way when the page was made: asked for again until they are there.

const FIRST_WAIT_MS = 1_000;
const LOOKS = 7;

export function watchPictures(frame) {
  for (const image of frame.querySelectorAll("img[data-waiting]")) {
    delete image.dataset.waiting;
    // Only what is looked at is fetched, so nothing is asked before it was shown.
    if (image.complete && image.naturalWidth) watch(image);
    else image.addEventListener("load", () => watch(image), { once: true });
  }
}

function watch(image, looks = 1) {
  setTimeout(async () => {
    if (!image.isConnected) return;
    const answer = await fetch(image.currentSrc, { method: "HEAD", credentials: "same-origin", cache: "no-store" }).catch(() => null);
    const state = answer?.headers.get("X-Artwork-State");
    if (state === "kept") {
      // Another address, so that the stand-in is not taken from memory.
      image.srcset = image.srcset.replaceAll(/(\/w\d+) /g, "$1?there ");
      image.src += "?there";
    } else if (state === "wanted" && looks < LOOKS) {
      watch(image, looks + 1);
    }
  }, FIRST_WAIT_MS * looks);
}
