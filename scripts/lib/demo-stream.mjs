// The ready stream that `npm start` offers, made as any user would make one: through the admin API. Its keys are shown
// by the server only once, so they are kept in an ignored file; the demo reads them from /config.json, a static file
// that exists only in this checkout.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { inRoot, UserError } from "./project.mjs";

const STREAM = "clicks";

/** Two, so that the dashboard shows what more than one partition looks like. Fixed when the stream is created. */
const PARTITIONS = 2;

const KEPT = inRoot(".wrangler", "headwater-development.json");
const DEMO_CONFIG = inRoot("dist", "demo", "config.json");

/** @typedef {{ adminToken: string, keys?: { write: string, import: string, read: string } }} Kept */

/**
 * This checkout's development secrets; made up on the first call.
 *
 * @returns {Kept}
 */
export function readKept() {
  try {
    return JSON.parse(readFileSync(KEPT, "utf8"));
  } catch {
    const kept = { adminToken: randomBytes(18).toString("base64url") };
    writeKept(kept);
    return kept;
  }
}

/** @param {Kept} kept */
function writeKept(kept) {
  mkdirSync(dirname(KEPT), { recursive: true });
  // Secrets, if only local ones: nobody else on the machine needs to read them.
  writeFileSync(KEPT, JSON.stringify(kept, null, 2), { mode: 0o600 });
}

/**
 * Makes the stream if it is missing, and sees to it that its keys are known: kept ones, if they still open it, else
 * new ones. So it survives a second start, and the loss of either the keys or the stored stream.
 *
 * @param {string} url of the server
 * @param {Kept} kept
 * @returns {Promise<Kept>} with keys
 */
export async function prepareDemoStream(url, { adminToken, keys }) {
  const admin = adminOf(url, adminToken);
  const path = `/admin/streams/${STREAM}`;
  const found = await admin("GET", path);
  if (found.status === 404) {
    keys = (await admin("PUT", path, { partitions: PARTITIONS, archive: true })).body.keys;
  } else if (keys === undefined || !(await opens(url, keys.read))) {
    /** @param {string} kind */
    const newKey = async (kind) => (await admin("POST", `${path}/keys`, { kind })).body.key;
    keys = { write: await newKey("write"), import: await newKey("import"), read: await newKey("read") };
  }
  const kept = { adminToken, ...(keys && { keys }) };
  writeKept(kept);
  return kept;
}

/**
 * Calls the admin API; a refusal other than 404 ends the script in words.
 *
 * @param {string} url
 * @param {string} adminToken
 */
function adminOf(url, adminToken) {
  /**
   * @param {"GET" | "PUT" | "POST"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<{ status: number, body: any }>}
   */
  return async (method, path, body) => {
    const headers = { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" };
    const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (response.ok || (response.status === 404 && method === "GET"))
      return { status: response.status, body: JSON.parse(text) };
    throw new UserError(`${method} ${path} answered ${response.status}: ${text}`);
  };
}

/**
 * Whether a read key opens the stream.
 *
 * @param {string} url
 * @param {string} key
 */
async function opens(url, key) {
  const response = await fetch(`${url}/v1/streams/${STREAM}/ads/top?count=1&last=1m`, {
    headers: { Authorization: `Bearer ${key}` },
  });
  await response.body?.cancel();
  return response.ok;
}

/**
 * Writes what the demo's pages need to know. Written only if it changed, because the server reloads when it does.
 *
 * @param {Kept} kept
 */
export function writeDemoConfig({ adminToken, keys }) {
  if (keys === undefined) return;
  const config = { stream: STREAM, writeKey: keys.write, readKey: keys.read, adminToken };
  const text = JSON.stringify(config, null, 2);
  if (!existsSync(DEMO_CONFIG) || readFileSync(DEMO_CONFIG, "utf8") !== text) writeFileSync(DEMO_CONFIG, text);
}

/** What must never be deployed. */
export const removeDemoConfig = () => rmSync(DEMO_CONFIG, { force: true });
