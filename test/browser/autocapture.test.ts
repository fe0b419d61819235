/** Autocapture in real Chromium: which clicks become events, and what of the page goes with them. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { launchChromium } from "../support/chromium.ts";
import { SdkPages } from "../support/sdk-pages.ts";

/** What was captured, each as `adId` or `adId {attributes}`. */
declare global {
  interface Window {
    captured: string[];
    stopCapturing: () => void;
  }
}

let pages: SdkPages;
let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  pages = await SdkPages.start({ path: "/parts", entry: "test/browser/page-parts.ts", posted: () => "" });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await pages?.stop();
});

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
});

afterEach(() => context.close());

/** A page of this markup, whose clicks are captured. */
async function open(html: string, options?: { readonly attributes?: readonly string[] }): Promise<void> {
  await page.goto(`${pages.url}/parts`);
  await page.waitForFunction(() => window.parts !== undefined);
  await page.evaluate(
    ({ html, options }) => {
      document.body.innerHTML = html;
      window.captured = [];
      const click = (adId: string, attributes = {}) => {
        const said = JSON.stringify({ ...attributes, adId: undefined });
        window.captured.push(said === "{}" ? adId : `${adId} ${said}`);
        return Promise.resolve({ sequence: 0, durability: "disk" as const });
      };
      window.stopCapturing = window.parts.autocapture({ click }, options);
    },
    { html, options },
  );
}

const captured = () => page.evaluate(() => window.captured);

it("takes the data-* of the marked element, and nothing else of it", async () => {
  await open(
    `<a href="#there" id="link" class="big" data-ad-id="ad-1" data-campaign-id="7" data-time="now">
       <b id="inside" data-inner="no">text</b><input id="input" value="secret"></a>
     <p id="other" data-other="1">no ad</p>`,
  );
  for (const id of ["link", "inside", "input", "other"]) await page.click(`#${id}`);
  expect(await captured()).toEqual(Array(3).fill('ad-1 {"campaignId":"7"}'));
});

it("takes only the attributes that are named, if any are", async () => {
  await open(`<a data-ad-id="ad-1" data-campaign-id="7" data-slot="top" data-email="a@b.c">ad</a>`, {
    attributes: ["slot", "campaignId"],
  });
  await page.click("a");
  expect(await captured()).toEqual(['ad-1 {"campaignId":"7","slot":"top"}']);
});

it("leaves alone what asks for it, on it or around it", async () => {
  await open(
    `<a data-ad-id="ad-1" data-headwater-ignore>on it</a>
     <div data-headwater-ignore><a data-ad-id="ad-2">around it</a></div>
     <a data-ad-id="ad-3"><i data-headwater-ignore>in it</i> <b>beside</b></a>`,
  );
  for (const selector of ["[data-ad-id=ad-1]", "[data-ad-id=ad-2]", "i", "b"]) await page.click(selector);
  expect(await captured()).toEqual(["ad-3"]);
});

it("looks into open shadow roots, and not into closed ones", async () => {
  await open(`<div id="open"></div><div id="closed"></div>`);
  await page.evaluate(() => {
    for (const mode of ["open", "closed"] as const) {
      const root = document.getElementById(mode)?.attachShadow({ mode });
      if (root) root.innerHTML = `<button data-ad-id="in-${mode}" style="width:100px">ad</button>`;
    }
  });
  for (const id of ["open", "closed"]) await page.click(`#${id}`, { position: { x: 20, y: 8 } });
  expect(await captured()).toEqual(["in-open"]);
});

it("sees SVG, and pages that stop propagation", async () => {
  await open(
    `<svg width="50" height="50"><g data-ad-id="ad-svg" data-slot="art"><rect width="50" height="50"/></g></svg>
     <button data-ad-id="ad-stopped" onclick="event.stopImmediatePropagation()">ad</button>`,
  );
  await page.click("rect");
  await page.click("button");
  expect(await captured()).toEqual(['ad-svg {"slot":"art"}', "ad-stopped"]);
});

it("counts links that open new tabs: by target, middle and ctrl click; a right click opens only a menu", async () => {
  await open(`<a href="/favicon.ico" target="_blank" data-ad-id="ad-1">ad</a>`);
  await page.click("a");
  await page.click("a", { button: "middle" });
  await page.click("a", { modifiers: ["ControlOrMeta"] });
  await page.click("a", { button: "right" });
  expect(await captured()).toEqual(["ad-1", "ad-1", "ad-1"]);
});

it("counts Enter on a link, and not what scripts click", async () => {
  await open(`<a href="#there" data-ad-id="ad-1">ad</a>`);
  await page.evaluate(() => {
    document.querySelector("a")?.click();
    document.querySelector("a")?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  });
  expect(await captured()).toEqual([]);
  await page.focus("a");
  await page.keyboard.press("Enter");
  expect(await captured()).toEqual(["ad-1"]);
});

it("counts a click on a label once, although its control is clicked with it", async () => {
  await open(`<div data-ad-id="ad-1"><label for="box">a label</label><input id="box" type="checkbox"></div>`);
  await page.click("label");
  expect(await captured()).toEqual(["ad-1"]);
  expect(await page.isChecked("#box")).toBe(true);
  await page.click("#box");
  await page.click("#box");
  expect(await captured()).toEqual(["ad-1", "ad-1", "ad-1"]);
});

it("does not count a button that is disabled", async () => {
  await open(`<button disabled data-ad-id="ad-1">ad</button><p data-ad-id="ad-2">ad</p>`);
  await page.click("button", { force: true });
  await page.click("p");
  expect(await captured()).toEqual(["ad-2"]);
});

it("goes on where a single-page application replaces everything, until it is stopped", async () => {
  await open(`<a data-ad-id="ad-1">ad</a>`);
  await page.evaluate(() => {
    history.pushState(null, "", "/elsewhere");
    document.body.replaceWith(document.createElement("body"));
    document.body.innerHTML = `<a data-ad-id="ad-2">ad</a>`;
  });
  await page.click("a");
  await page.evaluate(() => window.stopCapturing());
  await page.click("a");
  expect(await captured()).toEqual(["ad-2"]);
});

it("serves several trackers, each until its own is stopped", async () => {
  await open(`<a data-ad-id="ad-1">ad</a>`);
  await page.evaluate(() => {
    const click = (adId: string) => {
      window.captured.push(`second ${adId}`);
      return Promise.resolve({ sequence: 0, durability: "disk" as const });
    };
    window.parts.autocapture({ click });
  });
  await page.click("a");
  await page.evaluate(() => window.stopCapturing());
  await page.click("a");
  expect(await captured()).toEqual(["ad-1", "second ad-1", "second ad-1"]);
});

it("never holds a click up", async () => {
  await open("");
  const listened = await page.evaluate(() => {
    const listened: unknown[] = [];
    document.addEventListener = (type: string, _: unknown, options: AddEventListenerOptions) =>
      void listened.push([type, options.passive, options.capture]);
    window.parts.autocapture({ click: () => Promise.resolve({ sequence: 0, durability: "disk" }) });
    return listened;
  });
  expect(listened).toEqual([
    ["click", true, true],
    ["auxclick", true, true],
  ]);
});
