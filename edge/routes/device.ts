/**
 * The class of device that a User-Agent header names. Coarse on purpose: five classes answer what advertisers ask, name
 * nobody, and do not need a database that is out of date next month. A header is a claim: who wants to lie, can.
 */

export type Device = "desktop" | "mobile" | "tablet" | "bot" | "other";

/** Crawlers, monitors, HTTP libraries and driven browsers say so, or name themselves like this. */
const BOT =
  /bot\b|bot[/;_-]|crawl|spider|slurp|fetcher|facebookexternalhit|headless|phantomjs|puppeteer|playwright|lighthouse|monitor|preview|curl\/|wget\/|python|okhttp|java\/|go-http-client|node-fetch|undici|axios|libwww|httpclient|postmanruntime/i;

/** iPadOS has called itself a Macintosh since 13: such a tablet cannot be told from a desktop by this header. */
const TABLET = /ipad|tablet|kindle|silk\/|playbook|nexus (?:7|9|10)\b|sm-t\d|sm-x\d/i;

const MOBILE = /mobi|iphone|ipod|windows phone|iemobile|blackberry|bb10|opera mini|opera m(?:obi|ini)/i;

/** Televisions, consoles and watches: neither of the named three. */
const OTHER = /smart-?tv|smarttv|appletv|googletv|hbbtv|roku|bravia|aft[a-z]\b|playstation|nintendo|xbox|watch/i;

const DESKTOP = /windows nt|macintosh|x11|cros|linux x86_64|linux i686/i;

/** @param userAgent the header, or undefined if there was none: only programs leave it out */
export function deviceOf(userAgent: string | undefined): Device {
  if (userAgent === undefined || userAgent.trim() === "") return "other";
  if (BOT.test(userAgent)) return "bot";
  if (OTHER.test(userAgent)) return "other";
  if (TABLET.test(userAgent)) return "tablet";
  if (MOBILE.test(userAgent)) return "mobile";
  // Android without "Mobile" is a tablet: that is how Chrome and Firefox tell the two apart.
  if (/android/i.test(userAgent)) return "tablet";
  return DESKTOP.test(userAgent) ? "desktop" : "other";
}
