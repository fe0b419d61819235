// The tidy rules themselves, on small samples: each finds what it is for, and leaves the innocent alone.
import { describe, expect, test } from "vitest";
import { checkLength, checkSyntax, LINES_MAX } from "./house-rules.ts";
import { checkCycles, checkRooms } from "./imports.ts";
import { checkPurity } from "./purity.ts";
import { parseSource, report } from "./source.ts";

describe("rooms", () => {
  const check = (path: string, line: string): string => report(checkRooms(parseSource(path, line)));

  test.each([
    ["edge/engine/fold.ts", `import { Hono } from "hono";`, "must not import the package hono"],
    ["edge/engine/fold.ts", `import type { X } from "../partition/rpc.ts";`, "must not import edge/partition"],
    ["edge/engine/fold.ts", `import { a } from "#engine";`, "imports itself by name"],
    ["sdk/protocol/event.ts", `export * from "#engine";`, "must not import edge/engine"],
    ["edge/stream/object.ts", `import { X } from "../partition/rpc.ts";`, "only types of edge/partition"],
    ["edge/stream/object.ts", `import { type X } from "../partition/rpc.ts";`, "only types of edge/partition"],
    ["edge/routes/app.ts", `const x = await import("../stream/object.ts");`, "only types of edge/stream"],
    ["edge/partition/object.ts", `type X = import("../stream/rpc.ts").X;`, "must not import edge/stream"],
    ["edge/partition/object.ts", `import { fold } from "../engine/fold.ts";`, `import edge/engine as "#engine"`],
    ["sdk/log/log.ts", `import { Tracker } from "../tracker.ts";`, "sdk/log must not import sdk"],
    ["sdk/tracker.ts", `import { openDB } from "idb";`, "sdk must not import the package idb"],
    ["demo/main.ts", `import { Producer } from "../sdk/producer.ts";`, "demo must not import sdk"],
    ["edge/index.ts", `import { fold } from "#engine";`, "edge must not import edge/engine"],
  ])("%s: %s", (path, line, objection) => {
    expect(check(path, line)).toContain(objection);
  });

  test.each([
    ["edge/engine/fold.ts", `import { ok } from "#protocol"; import { a } from "./a.ts";`],
    [
      "edge/stream/object.ts",
      `import type { X } from "../partition/rpc.ts"; import { DurableObject } from "cloudflare:workers";`,
    ],
    ["edge/routes/app.ts", `import { cors } from "hono/cors"; import { gunzipSync } from "node:zlib";`],
    ["sdk/tracker.ts", `import { openLog } from "./log/index.ts"; import * as Comlink from "comlink";`],
    [
      "demo/main.ts",
      `import { createTracker } from "../sdk/index.ts"; import "uplot/dist/uPlot.min.css"; import "./a.css";`,
    ],
    ["edge/index.ts", `export { StreamObject } from "./stream/object.ts"; import { app } from "./routes/app.ts";`],
    ["test/any.test.ts", `import { fold } from "../edge/engine/fold.ts";`],
  ])("%s: %s is fine", (path, line) => {
    expect(check(path, line)).toBe("");
  });
});

describe("circles", () => {
  const sources = (files: Record<string, string>) =>
    Object.entries(files).map(([path, text]) => parseSource(path, text));

  test("a circle through a room's name and through types is found, at the import that closes it", () => {
    const findings = checkCycles(
      sources({
        "edge/partition/a.ts": `import "#engine";`,
        "edge/engine/index.ts": `export * from "./b.ts";`,
        "edge/engine/b.ts": `\nimport type { A } from "../partition/a.ts";`,
      }),
    );
    expect(report(findings)).toContain("edge/engine/b.ts:2  imports in a circle: edge/partition/a.ts");
  });

  test("a diamond is none", () => {
    const findings = checkCycles(
      sources({
        "sdk/a.ts": `import "./b.ts"; import "./c.ts";`,
        "sdk/b.ts": `import "./d.ts";`,
        "sdk/c.ts": `import "./d.ts";`,
        "sdk/d.ts": `export const d = 1;`,
      }),
    );
    expect(findings).toEqual([]);
  });
});

describe("purity", () => {
  const check = (text: string, path = "edge/engine/x.ts"): string => report(checkPurity(parseSource(path, text)));

  test.each([
    "const t = Date.now();",
    "const t = new Date();",
    "const t = Date();",
    "const D = Date;",
    "const t = performance.now();",
    "const r = Math.random();",
    "const { random } = Math;",
    `const r = Math["random"]();`,
    "crypto.getRandomValues(a);",
    "const o = { crypto };",
    "setTimeout(f, 1);",
    "queueMicrotask(f);",
    "async function f() {}",
    "class A { async m() {} }",
    "const f = async () => 1;",
    "function f(): Promise<void> {}",
    "Promise.resolve(1);",
    "export {}; for await (const x of y) {}",
    `const m = await f();`,
    `import("./y.ts");`,
    "console.log(1);",
    "globalThis.x = 1;",
    "process.env.X;",
    "fetch(url);",
    "const u = import.meta.url;",
    "declare const clock: { now(): number };",
    "a.localeCompare(b);",
    "new Date(ms).getHours();",
    "new Intl.Collator();",
  ])("refused: %s", (line) => {
    expect(check(line)).toContain("edge/engine/x.ts:1  pure: ");
  });

  test.each([
    "// Date.now() and Promise in a comment",
    "const s = `fetch ${process_} console.log(1)`;",
    "const t = new Date(ms).toISOString();",
    "const t = Date.parse(text) + Date.UTC(2026, 0);",
    "const n = Math.max(a, b);",
    "state.process(record);",
    "const o = { performance: 1, fetch() {} };",
    "interface A { readonly console: string }",
    "const window = { start: 0, end: 60_000 };",
  ])("fine: %s", (line) => {
    expect(check(line)).toBe("");
  });

  test("the line that is shown is the offending one, beyond characters of any width", () => {
    expect(check("// ünïcödé 🙂\nconst a = 1;\n  const t = Date.now(); // here\n")).toBe(
      "edge/engine/x.ts:3  pure: Date only as new Date(ms), Date.parse, Date.UTC\n    const t = Date.now(); // here",
    );
  });

  test("a declaration file may declare the two text classes, and nothing else", () => {
    const path = "edge/engine/text.d.ts";
    expect(check("declare class TextEncoder { encode(text: string): Uint8Array }", path)).toBe("");
    expect(check("declare const now: number;", path)).toContain("nothing else");
  });
});

describe("house rules", () => {
  const check = (text: string, path = "edge/routes/x.ts"): string => report(checkSyntax(parseSource(path, text)));

  // Put together here, so that this file does not break the rules that it tests.
  const ignore = ["@ts", "ignore"].join("-");
  const unfinished = ["TO", "DO"].join("");

  test("any, silencers and unfinished work are found", () => {
    expect(check("const x: any = 1;")).toContain("any:");
    expect(check("const x = y as unknown as any[];")).toContain("any:");
    expect(check(`// ${ignore}\nf();`)).toContain("hides");
    expect(check(`/* ${unfinished}: later */`)).toContain("finish it");
  });

  test("words, strings and expected errors in tests are not", () => {
    expect(check(`const any = "any"; const s = "${unfinished}";`)).toBe("");
    expect(check("// @ts-expect-error\nf();", "test/types.test.ts")).toBe("");
  });

  test("a long file is found unless listed, and a listed one must still be long", () => {
    const long = { path: "sdk/long.ts", text: "\n".repeat(LINES_MAX + 1) };
    const short = { path: "sdk/short.ts", text: "\n".repeat(LINES_MAX) };
    expect(report(checkLength([long, short], []))).toContain("sdk/long.ts:0  301 lines");
    expect(checkLength([long, short], ["sdk/long.ts"])).toEqual([]);
    expect(report(checkLength([long, short], ["sdk/long.ts", "sdk/short.ts"]))).toContain("take it off the list");
  });
});
