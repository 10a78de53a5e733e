// Barcodes: typed, from a scanner that types, or read by the camera where the browser can do that by itself.

import { byId, ready, setText, show } from "./page.js";
import { _ } from "./texts.js";

const FORMATS = ["ean_13", "ean_8", "upc_a", "upc_e"];
const LOOK_MS = 200;
// A code counts when it was read twice alike: a slanted picture gives wrong digits now and then.
const READ_ALIKE = 2;
const video = byId("video");
const said = byId("camera-said");
let stream = null;
let timer = 0;

byId("code").select();

async function whyNot() {
  if (!window.isSecureContext) return _("Browsers give a page the camera only over HTTPS, or on this machine itself. Type the digits instead, or open the hub through HTTPS.");
  if (!navigator.mediaDevices?.getUserMedia) return _("This browser has no way to the camera. Type the digits instead.");
  if (!("BarcodeDetector" in window)) return _("This browser cannot read barcodes from the camera; Chrome on Android can. Type the digits instead, or use a scanner.");
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  return FORMATS.some((format) => known.includes(format)) ? "" : _("This browser cannot read this kind of barcode from the camera. Type the digits instead.");
}

function stop() {
  clearTimeout(timer);
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  show(byId("camera"), false);
  show(byId("camera-stop"), false);
  show(byId("camera-start"), true);
}

async function start() {
  show(byId("camera-start"), false);
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch (error) {
    setText(said, error.name === "NotAllowedError" ? _("The camera was not allowed. Allow it in the browser, or type the digits.") : _("No camera answered. Type the digits instead."));
    show(byId("camera-start"), true);
    return;
  }
  video.srcObject = stream;
  await video.play();
  show(byId("camera"), true);
  show(byId("camera-stop"), true);
  setText(said, _("Hold the barcode before the camera; it is read by itself."));
  const known = await BarcodeDetector.getSupportedFormats();
  look(new BarcodeDetector({ formats: FORMATS.filter((format) => known.includes(format)) }), "", 0);
}

async function look(detector, last, times) {
  if (!stream) return;
  const [found] = await detector.detect(video).catch(() => []);
  const code = found?.rawValue ?? "";
  const count = code && code === last ? times + 1 : code ? 1 : times;
  if (count >= READ_ALIKE) {
    navigator.vibrate?.(60);
    stop();
    byId("code").value = code;
    byId("barcode-form").requestSubmit();
    return;
  }
  timer = setTimeout(() => look(detector, code || last, count), LOOK_MS);
}

byId("camera-start").addEventListener("click", start);
byId("camera-stop").addEventListener("click", stop);
addEventListener("pagehide", stop);

const reason = await whyNot();
if (reason) setText(said, reason);
else show(byId("camera-start"), true);

ready();
