/** What `npm pack` ships, as those who install it see it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inRoot } from "../../scripts/lib/project.mjs";
import { type Packed, packAndUnpack } from "../support/packed.ts";

const BIN = inRoot("node_modules", ".bin");

let packed: Packed;

beforeAll(async () => {
  packed = await packAndUnpack();
});
afterAll(() => rmSync(packed.consumer, { recursive: true, force: true }));

/** @throws with what it printed, if it fails */
function run(tool: string, args: readonly string[], cwd = packed.consumer): string {
  try {
    return execFileSync(join(BIN, tool), args, { cwd, encoding: "utf8" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${tool}: ${stdout}${stderr}`);
  }
}

describe("the package", () => {
  test("holds what users need, and nothing else", () => {
    const allowed = [
      /^(package\.json|README\.md|LICENSE)$/,
      /^dist\/sdk\/(index|autocapture|worker|headwater|worker-rung|page-rung)\.js$/,
      /^dist\/sdk\/(worker|headwater)\.js\.map$/,
      /^dist\/sdk\/[a-z/-]+\.d\.ts$/,
      /^dist\/cli\/(headwater\.js|LICENSES\.txt)$/,
      /^(edge|sdk\/protocol)\/[\w/.-]+\.ts$/,
      /^(edge|sdk\/protocol)\/([\w/-]+\/)?tsconfig\.json$/,
    ];
    expect(packed.files.filter((path) => !allowed.some((pattern) => pattern.test(path)))).toEqual([]);
    expect(packed.files).toContain("edge/index.ts");
  });

  test("has a file behind every command, export and import", () => {
    const folder = join(packed.consumer, "node_modules", "headwater");
    const { bin, exports, imports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      bin: Record<string, string>;
      exports: Record<string, string | Record<string, string>>;
      imports: Record<string, string>;
    };
    const targets = Object.values({ ...bin, ...exports, ...imports }).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    expect(targets.filter((target) => !existsSync(join(folder, target)))).toEqual([]);
  });

  test("brings those who install it what the edge imports, and none of our tools", () => {
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(packed.consumer, "node_modules", "headwater", "package.json"), "utf8"),
    ) as Record<string, Record<string, string> | undefined>;
    expect(Object.keys(dependencies ?? {}).toSorted()).toEqual(["@valibot/to-json-schema", "hono", "valibot"]);
    expect(optionalDependencies).toBeUndefined();
  });

  test("is clean to publint", () => {
    run("publint", ["--strict", join(packed.consumer, "node_modules", "headwater")]);
  });

  test("has the right types for whoever imports it", () => {
    // The edge is shipped as the TypeScript that wrangler takes.
    run("attw", [packed.tarball, "--profile", "esm-only", "--no-emoji", "--exclude-entrypoints", "edge"]);
  });
});

const CONSUMER = `
import { createTracker, TrackerError, type Drop, type Status, type Tracked, type TrackerOptions } from "headwater";
import { autocapture } from "headwater/autocapture";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

const options: TrackerOptions = {
  endpoint: "https://events.example.com",
  stream: "clicks",
  writeKey: "wk_key",
  context: { userId: "u-7" },
  autocapture: { attributes: ["campaignId"] },
  consent: "pending",
  onDrop: (drop) => same<typeof drop, Drop>(true),
  onError: ({ code }) => same<typeof code, string>(true),
};
const tracker = createTracker(options);
const tracked = await tracker.track("click", { adId: "ad-42", price: 0.12, known: true, absent: null, left: undefined });
same<typeof tracked, Tracked>(true);
same<typeof tracked.durability, "disk" | "memory">(true);
same<ReturnType<typeof tracker.status>, Status>(true);
same<ReturnType<typeof autocapture>, () => void>(true);
tracker.setConsent("granted");
const code = new TrackerError("closed", "").code;
same<typeof code, "log_full" | "invalid_event" | "no_consent" | "closed" | "erase_failed" | "refused">(true);

// @ts-expect-error: attributes are flat
void tracker.track("click", { nested: {} });
// @ts-expect-error: a key is needed
createTracker({ endpoint: "https://events.example.com", stream: "clicks" });
// @ts-expect-error: consent is one of three
tracker.setConsent("maybe");
`;

describe("a consumer's types", () => {
  test.each([
    ["a bundler", { module: "esnext", moduleResolution: "bundler" }],
    ["Node", { module: "nodenext", moduleResolution: "nodenext" }],
  ])("hold under %s", (_, how) => {
    const compilerOptions = { ...how, target: "es2022", lib: ["es2022", "dom"], strict: true, noEmit: true, types: [] };
    writeFileSync(join(packed.consumer, "package.json"), `{"type":"module"}`);
    writeFileSync(join(packed.consumer, "consumer.ts"), CONSUMER);
    writeFileSync(join(packed.consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
    run("tsc", ["-p", "."]);
  });
});

describe("on a server", () => {
  test("importing it does nothing, and every call is refused", async () => {
    const program = `
      const before = Object.keys(globalThis).length;
      const { createTracker } = await import("headwater");
      const { autocapture } = await import("headwater/autocapture");
      const tracker = createTracker({ endpoint: "https://events.example.com", stream: "clicks", writeKey: "wk_key" });
      autocapture(tracker)();
      const refused = await tracker.track("click").catch((error) => error.code);
      tracker.setConsent("granted");
      await tracker.close();
      console.log(JSON.stringify([refused, tracker.status().pending, Object.keys(globalThis).length - before]));`;
    writeFileSync(join(packed.consumer, "server.mjs"), program);
    const output = execFileSync(process.execPath, ["server.mjs"], { cwd: packed.consumer, encoding: "utf8" });
    expect(JSON.parse(output)).toEqual(["closed", 0, 0]);
  });
});
