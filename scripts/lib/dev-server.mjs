// `wrangler dev` as this project runs it: on 127.0.0.1, quiet, as a development server.
import { createServer } from "node:net";
import { toolPath, UserError } from "./project.mjs";

export const HOST = "127.0.0.1";
export const PORT_DEFAULT = 8787;

/**
 * The command line after the Node binary. The caller's arguments stand last, where they win.
 *
 * @param {readonly string[]} args for `wrangler dev`, as a user would write them
 */
export function devArguments(args) {
  // HEADWATER_DEV makes new streams allow every origin; it is set here and nowhere else.
  const defaults = ["--var", "HEADWATER_DEV:1", "--show-interactive-dev-session=false"];
  if (!has(args, "--ip")) defaults.push("--ip", HOST);
  if (!has(args, "--port")) defaults.push("--port", String(PORT_DEFAULT));
  return [toolPath("wrangler"), "dev", ...defaults, ...args];
}

/**
 * Whether an option is among the arguments, as `--name value` or `--name=value`.
 *
 * @param {readonly string[]} args
 * @param {string} name
 */
const has = (args, name) => args.some((arg) => arg === name || arg.startsWith(`${name}=`));

/**
 * The value of `--port`, or the default.
 *
 * @param {readonly string[]} args
 */
export function portOf(args) {
  const at = args.findIndex((arg) => arg === "--port" || arg.startsWith("--port="));
  if (at === -1) return PORT_DEFAULT;
  const port = Number(args[at] === "--port" ? args[at + 1] : args[at]?.slice("--port=".length));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new UserError("--port wants a number up to 65535.");
  return port;
}

/**
 * Says early, and in words, that the port is taken.
 *
 * @param {number} port
 * @returns {Promise<void>}
 */
export function assertFree(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    const taken = `port ${port} is taken; end what runs there, or choose another with -- --port N.`;
    server.once("error", () => reject(new UserError(taken)));
    server.listen(port, HOST, () => server.close(() => resolve()));
  });
}
