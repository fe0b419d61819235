// From a fresh checkout to a script that can import its tools: dependencies installed as the lock says, and running on
// a Node that the tools accept. On Linux that Node is one of the dependencies (see CONTRIBUTING.md).
import { realpathSync } from "node:fs";
import { isInstalled, npmCi } from "./install.mjs";
import { exists, inRoot, main, run, UserError } from "./project.mjs";

/** What wrangler and vite demand. */
const NODE_MIN = { major: 22, minor: 12 };

/**
 * Runs a script's body once everything that it may import is there. The body runs on the pinned Node: if this process
 * is another one, it starts the same script again on that and passes on the exit code.
 *
 * @param {() => Promise<number | void>} body
 */
export function bootstrap(body) {
  return main(async () => {
    if (!isInstalled()) await install();
    const node = pinnedNode();
    if (node === realpathSync(process.execPath)) return body();
    return (await run(node, process.argv.slice(1))).code;
  });
}

async function install() {
  console.log("Installing dependencies …");
  const { code } = await npmCi();
  if (code !== 0) throw new UserError("npm ci failed; see above.");
}

/** The Node to run on: the one among the dependencies, else this one if it is new enough. */
function pinnedNode() {
  const packaged = `node_modules/node-${process.platform}-${process.arch}/bin/node`;
  // Real paths: a link on the way here would make this Node look like another one, and start it for ever.
  if (exists(packaged)) return realpathSync(inRoot(packaged));
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isNewEnough = major > NODE_MIN.major || (major === NODE_MIN.major && minor >= NODE_MIN.minor);
  if (isNewEnough) return realpathSync(process.execPath);
  throw new UserError(
    `Node ${NODE_MIN.major}.${NODE_MIN.minor} or later is needed on ${process.platform}; this is ${process.version}.`,
  );
}
