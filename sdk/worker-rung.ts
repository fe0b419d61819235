/**
 * The working half in a dedicated worker, and the line to it: Comlink. Loaded when the page has come to its first event, text
 * of the worker and all.
 *
 * A worker fails silently: a CSP refusal is an error event some milliseconds later, and an exception at its start leaves every
 * call pending for ever. So it has to answer a first call in time.
 */
import { proxy, wrap } from "comlink";
import { WORKER_LIMITS } from "./limits.ts";
import type { Rung } from "./rung.ts";
import type { HostConfig, WorkerApi } from "./worker-api.ts";

/**
 * @param url same-origin; undefined for a worker from a blob
 * @throws if the worker does not answer its first call in time
 */
export async function workerRung(url: string | undefined): Promise<Rung> {
  return inWorker(url === undefined ? blobWorker(HEADWATER_WORKER_SOURCE) : new Worker(trusted(url)));
}

async function inWorker(worker: Worker): Promise<Rung> {
  let die = () => {};
  const died = new Promise<"died">((resolve) => {
    die = () => {
      worker.terminate();
      resolve("died");
    };
  });
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", (event) => reject(new Error(event.message || "the worker did not start")));
  });
  const remote = wrap<WorkerApi>(worker);
  try {
    const answered = await Promise.race([remote.ping(), failed, delay(WORKER_LIMITS.handshakeMaxMs)]);
    if (answered !== true) throw new Error("the worker did not answer");
  } catch (error) {
    worker.terminate();
    throw error;
  }
  failed.catch(() => {});
  // Methods that take and return plain data are the same on both sides; a callback has to be said to be one.
  const api = remote as unknown as WorkerApi;
  return {
    died,
    die,
    // The object must be held for as long as answers are awaited: https://github.com/GoogleChromeLabs/comlink/issues/692
    api: new Proxy(api, {
      get: (_, name) => {
        if (name === "open") return (config: HostConfig, report: OpenCallback) => remote.open(config, proxy(report));
        return api[name as keyof WorkerApi];
      },
    }),
  };
}

type OpenCallback = Parameters<WorkerApi["open"]>[1];

function blobWorker(source: string): Worker {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(trusted(url));
  // The worker has its own reference once it has been asked for; Safari looks it up a little later.
  setTimeout(() => URL.revokeObjectURL(url), WORKER_LIMITS.handshakeMaxMs);
  return worker;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** Pages that require Trusted Types allow us with `trusted-types headwater`. A name can be had once only. */
let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return url;
  policy ??= trustedTypes.createPolicy("headwater", { createScriptURL: (given) => given });
  return policy.createScriptURL(url);
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
