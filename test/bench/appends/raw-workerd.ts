/**
 * The built worker in workerd itself, with its storage on the local disk: one process, as an isolate is in production.
 * `wrangler dev` would measure its proxy and its trace store. Lacks rate limits and assets, which the code can do without.
 */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { environment, root, toolPath } from "../../../scripts/lib/project.mjs";
import { type Child, freePort, startChild } from "./child.ts";

export const ADMIN_TOKEN = "bench-admin-token";

/** Bundles the worker, as a deploy would. @returns the folder of the bundle */
export async function bundleWorker(folder: string): Promise<string> {
  const bundle = join(folder, "bundle");
  await promisify(execFile)(process.execPath, [toolPath("wrangler"), "deploy", "--dry-run", "--outdir", bundle], {
    cwd: root,
    env: environment(),
  });
  return bundle;
}

export interface RawWorkerd extends Child {
  readonly port: number;
  readonly url: string;
}

/** Starts the built worker. @param folder for its configuration and its storage; removed by the caller */
export const startWorkerd = (bundle: string, folder: string): Promise<RawWorkerd> =>
  startModule(join(bundle, "index.js"), { PARTITION: "PartitionObject", STREAM: "StreamObject" }, folder);

/** Starts any worker of one module. @param objects its Durable Object classes, by the name of their binding */
export async function startModule(module: string, objects: Objects, folder: string): Promise<RawWorkerd> {
  const port = await freePort();
  const disk = join(folder, "storage");
  mkdirSync(disk, { recursive: true });
  const config = join(folder, "config.capnp");
  writeFileSync(config, configOf(relative(folder, module), objects, disk, port));
  const workerd = createRequire(import.meta.url)("workerd") as { default: string };
  const child = await startChild(workerd.default, ["serve", config], port);
  return { ...child, port, url: `http://127.0.0.1:${port}` };
}

type Objects = { readonly [binding: string]: string };

/** @param module relative to the configuration: absolute paths would be looked for elsewhere */
const configOf = (
  module: string,
  objects: Objects,
  disk: string,
  port: number,
) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = ${JSON.stringify(disk)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed ${JSON.stringify(module)})],
  compatibilityDate = "${compatibilityDate()}",
  bindings = [
    ${list(objects, (name, className) => `(name = "${name}", durableObjectNamespace = (className = "${className}"))`)}
    (name = "ADMIN_TOKEN", text = ${JSON.stringify(ADMIN_TOKEN)}),
  ],
  durableObjectNamespaces = [
    ${list(objects, (name, className) => `(className = "${className}", uniqueKey = "${name}", enableSql = true)`)}
  ],
  durableObjectStorage = (localDisk = "disk"),
);
`;

const list = (objects: Objects, entry: (binding: string, className: string) => string): string =>
  Object.entries(objects)
    .map(([binding, className]) => `${entry(binding, className)},`)
    .join("\n    ");

/** The one that the worker is deployed with. */
function compatibilityDate(): string {
  const date = /^compatibility_date = "([0-9-]+)"/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))?.[1];
  if (date === undefined) throw new Error("wrangler.toml has a compatibility date");
  return date;
}
