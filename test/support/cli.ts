/** The command line as its users run it: built, packed, unpacked, and started as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { StreamClient } from "./api.ts";
import { packAndUnpack } from "./packed.ts";

/** A command that hangs is found before the test gives up without a word. */
const TIMEOUT_MS = 120_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  /** Both streams so far. */
  output(): string;
  /** Resolves once something was said. */
  says(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

export class Cli {
  readonly #consumer: string;
  readonly command: string;
  /** What a user would have exported. */
  env: Readonly<Record<string, string>> = {};

  private constructor(consumer: string) {
    this.#consumer = consumer;
    this.command = join(consumer, "node_modules", "headwater", "dist", "cli", "headwater.js");
  }

  static async install(): Promise<Cli> {
    return new Cli((await packAndUnpack()).consumer);
  }

  uninstall(): void {
    rmSync(this.#consumer, { recursive: true, force: true });
  }

  /** From now on, commands are about this stream. */
  use(stream: StreamClient, adminToken: string): void {
    this.env = {
      HEADWATER_URL: stream.url,
      HEADWATER_STREAM: stream.name,
      HEADWATER_READ_KEY: stream.keys.read,
      HEADWATER_IMPORT_KEY: stream.keys.import,
      HEADWATER_ADMIN_TOKEN: adminToken,
    };
  }

  start(args: readonly string[], { env = {}, input, cwd = this.#consumer }: RunOptions = {}): Running {
    const child = spawn(process.execPath, [this.command, ...args], {
      cwd,
      env: { PATH: process.env.PATH, ...this.env, ...env },
      timeout: TIMEOUT_MS,
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.stdin.end(input);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout, stderr }));
    });
    const output = (): string => stdout + stderr;
    const says = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output().includes(text)) resolve();
        };
        look();
        child.stdout.on("data", look);
        child.stderr.on("data", look);
        child.once("close", () => reject(new Error(`ended without saying ${text}: ${output()}`)));
      });
    return { process: child, output, says, ended };
  }

  run(args: readonly string[], options?: RunOptions): Promise<Ended> {
    return this.start(args, options).ended;
  }

  /** Standard output of a command that must succeed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`headwater ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }
}
