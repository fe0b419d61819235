/** A world for the scenarios whose edge is the append contract in this process; one for all tests of a file. */
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { launchChromium } from "../support/chromium.ts";
import { EdgeStub } from "../support/edge-stub.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { Profiles } from "../support/profiles.ts";
import { type OwnPage, SdkPages } from "../support/sdk-pages.ts";
import type { World } from "./scenarios.ts";

export interface Here {
  readonly world: World;
  readonly edge: EdgeStub;
  /** Empty at the beginning of each test. */
  readonly context: BrowserContext;
}

/**
 * Call it once, at the top of a file: it brings its own hooks.
 *
 * @param own a page beside those that every world has
 */
export function stubWorld(own?: OwnPage): Here {
  const edge = new EdgeStub();
  let world: World;
  let browser: Browser;
  let context: BrowserContext;
  let profiles: Profiles;

  beforeAll(async () => {
    const [proxy, pages] = await Promise.all([FaultProxy.start(edge.forward), SdkPages.start(own)]);
    world = {
      proxy,
      pages,
      stream: edge.stream,
      writeKey: edge.writeKey,
      counted: () => edge.counted(),
      launch: () => profiles.launch(),
      cloneProfile: () => profiles.clone(),
    };
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await world?.proxy.stop();
    await world?.pages.stop();
  });

  beforeEach(async () => {
    edge.clear();
    world.proxy.fail("none");
    profiles = await Profiles.make();
    context = await browser.newContext();
  });
  afterEach(async () => {
    await context.close();
    await profiles.remove();
  });

  return {
    edge,
    get world() {
      return world;
    },
    get context() {
      return context;
    },
  };
}
