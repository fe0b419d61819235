// A real `wrangler dev` for end-to-end tests, in a process group of its own, so that a test can kill all of it at once
// and start it again on what it had stored.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { devArguments, HOST } from "../../scripts/lib/dev-server.mjs";
import { environment, root } from "../../scripts/lib/project.mjs";
import { killGroup, untilGone } from "./process.ts";

/** Bundling and starting takes a few seconds; on two cores beside a browser, some more. */
const READY_TIMEOUT_MS = 90_000;

/** After SIGTERM; then it is killed. */
const STOP_TIMEOUT_MS = 10_000;

/** What a failed start shows of the server's output. */
const OUTPUT_CHARACTERS_MAX = 20_000;

export interface ServerOptions {
  /** Where objects keep their storage; kept across restarts, removed by the caller. */
  readonly persistTo: string;
  readonly adminToken?: string;
  /** Further variables of the worker. */
  readonly vars?: Readonly<Record<string, string>>;
}

export interface Server {
  readonly url: string;
  readonly adminToken: string;
  readonly running: boolean;
  /** The leader of its process group, as it is now. */
  readonly pid: number;
  /** What the server has written so far, cut from the front; for messages. */
  output(): string;
  /** SIGKILL for the whole group: a power cut. */
  kill(): Promise<void>;
  /** The polite end. */
  stop(): Promise<void>;
  /** Starts again after `kill` or `stop`: same port, same storage. */
  restart(): Promise<void>;
}

/** Resolves once GET /health answers. */
export async function startServer({
  persistTo,
  adminToken = "admin-token",
  vars = {},
}: ServerOptions): Promise<Server> {
  const port = await freePort();
  const url = `http://${HOST}:${port}`;
  const variables = Object.entries({ ADMIN_TOKEN: adminToken, ...vars }).flatMap(([k, v]) => ["--var", `${k}:${v}`]);
  const args = ["--port", String(port), "--persist-to", persistTo, "--log-level", "warn", ...variables];

  let running: ChildProcess | undefined;
  let output = "";
  const start = async (): Promise<void> => {
    if (running !== undefined) throw new Error("The server runs already.");
    const child = spawn(process.execPath, devArguments(args), {
      cwd: root,
      env: environment(),
      detached: true, // a group of its own
      stdio: ["ignore", "pipe", "pipe"],
    });
    running = child;
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    try {
      await untilHealthy(url, child);
    } catch (error) {
      await end("SIGKILL");
      throw new Error(`${String(error)}\n${output}`);
    }
  };
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    const child = running;
    running = undefined;
    if (child?.pid === undefined) return;
    await endGroup(child, child.pid, signal);
  };

  await start();
  return {
    url,
    adminToken,
    get running() {
      return running !== undefined;
    },
    get pid() {
      if (running?.pid === undefined) throw new Error("The server does not run.");
      return running.pid;
    },
    output: () => output,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    restart: start,
  };
}

async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("The server ended before it was ready.");
    const healthy = await fetch(`${url}/health`).then(
      async (response) => (await response.body?.cancel(), response.ok),
      () => false,
    );
    if (healthy) return;
    await delay(100);
  }
  throw new Error(`The server was not ready within ${READY_TIMEOUT_MS / 1000} s.`);
}

/** Resolves when the leader is gone and no member of the group is left to write to the storage. */
async function endGroup(child: ChildProcess, pid: number, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
  if (signal === "SIGTERM") {
    child.kill("SIGTERM");
    await Promise.race([closed, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }
  killGroup(pid);
  await closed;
  await untilGone(-pid);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, HOST, () => {
      const address = probe.address();
      if (address === null || typeof address === "string") throw new Error("A TCP server has a port.");
      probe.close(() => resolve(address.port));
    });
  });
}
