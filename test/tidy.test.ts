// Rules of the house that a compiler and a linter do not know. A failure names file, line and rule, and shows the line.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../scripts/lib/project.mjs";
import { checkLength, checkSyntax } from "./tidy/house-rules.ts";
import { checkCycles, checkRooms } from "./tidy/imports.ts";
import { checkPurity } from "./tidy/purity.ts";
import { roomOf } from "./tidy/rooms.ts";
import { type Finding, listFiles, readSources, report } from "./tidy/source.ts";

/** Files that are too long for now. Shrinks only. */
const OVERSIZED: readonly string[] = [];

const PRODUCT = ["sdk", "edge", "demo", "cli"];
const sources = readSources(root, [...PRODUCT, "scripts", "test"]);

const expectNone = (findings: readonly Finding[]): void => {
  if (findings.length > 0) expect.fail(`\n${report(findings)}\n`);
};

test("imports only point down the table of rooms", () => {
  expectNone(sources.flatMap(checkRooms));
});

test("no imports in a circle", () => {
  expectNone(checkCycles(sources));
});

test("the pure rooms have no clock, no dice, no promise and no platform", () => {
  expectNone(sources.filter(({ path }) => roomOf(path)?.pure).flatMap(checkPurity));
});

test("no any, no silenced compiler, no unfinished work", () => {
  expectNone(sources.flatMap(checkSyntax));
});

test("every file of the product fits a sitting", () => {
  const paths = listFiles(root, PRODUCT, [".ts", ".css", ".html"]);
  const files = paths.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
  expectNone(checkLength(files, OVERSIZED));
});
