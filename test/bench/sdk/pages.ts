/**
 * The site that is tracked: `/<adapter>` loads its tracker and has an ad on it that leads away, `/away` is where it leads, on
 * another site, as ads do.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Adapter } from "./adapters.ts";
import { bundleOf } from "./bundles.ts";

/** For the finest steps of the clock, five microseconds. */
const ISOLATION = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

export class Pages {
  readonly #server: Server;

  private constructor(bundles: ReadonlyMap<string, string>) {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", this.#origin("127.0.0.1"));
      const script = bundles.get(url.pathname);
      if (script !== undefined) return response.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
      if (url.pathname === "/favicon.ico") return response.writeHead(204).end();
      const headers = { "Content-Type": "text/html", ...(url.searchParams.has("isolated") && ISOLATION) };
      const html = url.pathname === "/away" ? "<!doctype html><title>Away</title>" : this.#html(url);
      return response.writeHead(200, headers).end(html);
    });
  }

  static async start(adapters: readonly Adapter[]): Promise<Pages> {
    const bundles = new Map<string, string>();
    for (const adapter of adapters) bundles.set(`/${adapter.id}.js`, await bundleOf(adapter));
    const pages = new Pages(bundles);
    await new Promise<void>((resolve) => pages.#server.listen(0, "127.0.0.1", resolve));
    return pages;
  }

  url({ id }: Adapter, collector: string, more = ""): string {
    return `${this.#origin("127.0.0.1")}/${id}?collector=${encodeURIComponent(collector)}${more}`;
  }

  get away(): string {
    return `${this.#origin("localhost")}/away`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #origin(host: string): string {
    return `http://${host}:${(this.#server.address() as AddressInfo).port}`;
  }

  #html(url: URL): string {
    const collector = JSON.stringify(url.searchParams.get("collector") ?? "");
    return `<!doctype html><title>Site</title><link rel="icon" href="data:,">
      <script>window.collector = ${collector};</script><script type="module" src="${url.pathname}.js"></script>
      <a id="ad" href="${this.away}" onclick="bench.track(window.nextId, '')">An ad</a>`;
  }
}
