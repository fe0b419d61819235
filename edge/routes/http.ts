/** What Hono carries from one handler to the next, typed. */
import type { Context, Hono } from "hono";
import type { StreamAccess } from "./stream-access.ts";

export interface HttpEnv {
  Bindings: Env;
  Variables: {
    /** Set when the request's Origin had to be judged, so that the stream is looked up once. */
    access?: StreamAccess | null;
    /** The Origin header, when it is not one that the stream allows. */
    foreignOrigin?: string;
  };
}

export type App = Hono<HttpEnv>;
export type HttpContext = Context<HttpEnv>;
