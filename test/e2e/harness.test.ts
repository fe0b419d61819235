// What the end-to-end tests stand on: a server and a browser that can be killed outright, and rise again on what they
// had stored.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium, launchProfile } from "../support/chromium.ts";
import { type Server, startServer } from "../support/server.ts";

const dir = mkdtempSync(join(tmpdir(), "headwater-harness-"));
let server: Server;

beforeAll(async () => {
  server = await startServer({ persistTo: join(dir, "state") });
});

afterAll(async () => {
  await server.kill();
  rmSync(dir, { recursive: true, force: true });
});

test("a killed server is gone at once, and starts again at the same address", async () => {
  await server.kill();
  await expect(fetch(server.url)).rejects.toThrow();
  await server.restart();
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});

test("a stopped server starts again too", async () => {
  await server.stop();
  await expect(fetch(server.url)).rejects.toThrow();
  await server.restart();
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});

test("a browser opens what the server says", async () => {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    expect((await page.goto(`${server.url}/health`))?.status()).toBe(200);
  } finally {
    await browser.close();
  }
});

test("a killed browser leaves no process, and its profile opens again", async () => {
  const profile = join(dir, "profile");
  const first = await launchProfile(profile);
  await first.kill();
  expect(() => process.kill(first.pid, 0)).toThrow("ESRCH");

  const second = await launchProfile(profile);
  try {
    const page = await second.context.newPage();
    expect((await page.goto(`${server.url}/health`))?.status()).toBe(200);
  } finally {
    await second.context.close();
  }
});
