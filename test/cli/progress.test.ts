import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Progress } from "../../cli/progress.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.stubEnv("TERM", "xterm");
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const terminal = (isTTY: boolean) => {
  const written: string[] = [];
  return { written, isTTY, write: (text: string) => written.push(text) };
};

test("on a terminal, a bar is drawn over itself, ten times a second at most, and taken away", () => {
  const out = terminal(true);
  const progress = new Progress(out);
  progress.show(0.5, "half");
  progress.show(0.6, "too soon");
  vi.advanceTimersByTime(100);
  progress.show(1, "all");
  progress.end();
  expect(out.written).toEqual([
    `\r${"█".repeat(15)}${"░".repeat(15)}  50 %  half\u001b[K`,
    `\r${"█".repeat(30)} 100 %  all\u001b[K`,
    "\r\u001b[K",
  ]);
});

test.each([
  ["no terminal", false, "xterm"],
  ["a dumb one", true, "dumb"],
])("on %s, a plain line comes now and then, and none of what is over soon", (_, isTTY, term) => {
  vi.stubEnv("TERM", term);
  const out = terminal(isTTY);
  const progress = new Progress(out);
  progress.show(0.1, "soon");
  vi.advanceTimersByTime(5_000);
  progress.show(0.5, "half");
  progress.show(0.6, "too soon");
  progress.end();
  expect(out.written).toEqual(["50 %  half\n"]);
});
