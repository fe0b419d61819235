/** A server of the bench: a child process that is ready when its port answers, and ended by its pid. */
import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from "node:child_process";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const HOST = "127.0.0.1";
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
/** What a failed start shows of the server's output. */
const OUTPUT_CHARACTERS_MAX = 4_000;

/** Whether a server is on the path. */
export function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ["--version"]);
    return true;
  } catch {
    return false;
  }
}

export interface Child {
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startChild(
  command: string,
  args: readonly string[],
  port: number,
  options: SpawnOptions = {},
): Promise<Child> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX));
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  try {
    await Promise.race([untilOpen(port, child), failed]);
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`${command}: ${String(error)}\n${output}`);
  }
  return { pid: child.pid as number, stop: () => end(child) };
}

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("it ended before it was ready");
    if (await isOpen(port)) return;
    await delay(50);
  }
  throw new Error(`not ready within ${READY_TIMEOUT_MS / 1_000} s`);
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, HOST);
    const settle = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  await Promise.race([closed, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  child.kill("SIGKILL");
  await closed;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, HOST, () => {
      const address = probe.address();
      if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
      probe.close(() => resolve(address.port));
    });
  });
}
