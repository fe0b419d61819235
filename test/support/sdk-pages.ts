/**
 * Pages that use the SDK, on an origin of their own: `/` imports it as a module, `/script` loads it by a script tag. Built
 * from the sources in memory, as the build does, so that tests need no dist folder and cannot see an old one.
 */
import { build } from "esbuild";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { bundleSdk } from "../../scripts/lib/sdk-bundles.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface PageOptions {
  /** `module`: window.tracker is made by the page. `script`: window.headwater by the script tag. */
  readonly kind?: "module" | "script";
  /** Content-Security-Policy of the page. */
  readonly csp?: string;
  /** Options of createTracker, or data attributes of the script tag. */
  readonly tracker: Readonly<Record<string, unknown>>;
}

/** A page of one's own beside them, for a test that wants another. */
export interface OwnPage {
  /** The path it is at, such as `/soak`. */
  readonly path: string;
  /** Its module, from the root of the project. */
  readonly entry: string;
  /** Answers what its pages post, wherever to. */
  readonly posted: (body: string) => string;
}

export class SdkPages {
  readonly #server: Server;
  readonly #files: ReadonlyMap<string, string>;

  private constructor(files: ReadonlyMap<string, string>, own: OwnPage | undefined) {
    this.#files = files;
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", this.url);
      if (request.method === "POST") return void answerPost(request, response, own);
      const file = this.#files.get(url.pathname);
      if (file !== undefined) return response.writeHead(200, SCRIPT).end(file);
      if (url.pathname === "/favicon.ico") return response.writeHead(204).end();
      const csp = url.searchParams.get("csp");
      const headers = { "Content-Type": "text/html", ...(csp !== null && { "Content-Security-Policy": csp }) };
      return response.writeHead(200, headers).end(html(url));
    });
  }

  static async start(own?: OwnPage): Promise<SdkPages> {
    const bundles = await bundleSdk();
    const page = `import { createTracker } from "/index.js";
      const options = JSON.parse(new URL(location.href).searchParams.get("tracker"));
      window.problems = [];
      window.drops = [];
      window.tracker = createTracker({ ...options, onError: (p) => window.problems.push(p.code), onDrop: (d) => window.drops.push(d) });`;
    const files = new Map([...bundles].map(([name, { text }]) => [`/${name}`, text]));
    files.set("/page.js", page);
    if (own !== undefined) {
      files.set(`${own.path}.js`, await bundleEntry(own.entry));
    }
    const pages = new SdkPages(files, own);
    await new Promise<void>((resolve) => pages.#server.listen(0, "127.0.0.1", resolve));
    return pages;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  page({ kind = "module", csp, tracker }: PageOptions): string {
    const url = new URL(kind === "module" ? "/" : "/script", this.url);
    url.searchParams.set("tracker", JSON.stringify(tracker));
    if (csp !== undefined) url.searchParams.set("csp", csp);
    return url.href;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function answerPost(request: IncomingMessage, response: ServerResponse, own: OwnPage | undefined): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  if (own === undefined) response.writeHead(404).end();
  else response.writeHead(200, { "Content-Type": "application/json" }).end(own.posted(body));
}

/** The SDK itself is the one that is served beside it. */
async function bundleEntry(entry: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    external: ["/index.js"],
    alias: { headwater: "/index.js" },
    logLevel: "error",
  });
  return outputFiles?.[0]?.text ?? "";
}

const ADS = `
  <a id="ad" data-ad-id="ad-1" data-campaign-id="7" data-id="clicked" href="#there">An <b id="inside">ad</b></a>
  <p id="other" data-other="1">No ad</p>`;

const STUB = `<script>window.headwater||(window.headwater=new Proxy({q:[]},{get:(t,m)=>m=="q"?t.q:(...a)=>{t.q.push([m,a,Date.now()])}}));
  headwater.track("click", { adId: "early", id: "early" });</script>`;

/** A sandboxed page has no origin, and its own files are of another. */
const SCRIPT = { "Content-Type": "text/javascript", "Access-Control-Allow-Origin": "*" };

/** For policies that allow scripts by it. */
export const NONCE = "bm9uY2U";

function html(url: URL): string {
  const module = url.pathname === "/" ? "/page" : url.pathname;
  const body =
    url.pathname === "/script" ? scriptTag(url) : `<script nonce="${NONCE}" type="module" src="${module}.js"></script>`;
  return `<!doctype html><title>Page</title>${body}${ADS}`;
}

function scriptTag(url: URL): string {
  const options = JSON.parse(url.searchParams.get("tracker") ?? "{}") as Record<string, string>;
  const data = Object.entries(options).map(([name, value]) => `data-${name}="${value}"`);
  return `${STUB}<script async src="/headwater.js" ${data.join(" ")}></script>`;
}
