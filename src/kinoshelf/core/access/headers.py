"""The headers every answer carries: what a browser may do with it, and in whose frame."""

from __future__ import annotations

from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

RawHeaders = tuple[tuple[bytes, bytes], ...]

OWN = "'self'"
NOBODY = "'none'"
ONE_YEAR_SECONDS = 365 * 24 * 3600
UNUSED_DEVICES = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
)


def security_headers(*, is_https: bool) -> RawHeaders:
    """Return the headers an answer gets unless it brings its own of that name. HSTS has no meaning over plain http."""
    policy = (
        ContentSecurityPolicy()
        .default_src(OWN)
        .img_src(OWN, "data:")
        .connect_src(OWN)
        .frame_ancestors(NOBODY)
        .object_src(NOBODY)
        .base_uri(NOBODY)
        .form_action(OWN)
    )
    permissions = PermissionsPolicy()
    for device in UNUSED_DEVICES:
        permissions.add_directive(device)
    built = Secure(
        csp=policy,
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        permissions=permissions,
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        hsts=StrictTransportSecurity().max_age(ONE_YEAR_SECONDS) if is_https else None,
    )
    return tuple((name.lower().encode(), value.encode()) for name, value in built.header_items())
