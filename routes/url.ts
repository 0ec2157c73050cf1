const parsed = new WeakMap<Request, URL | null>();

/**
 * A request's address, parsed once; undefined where it is none. Deno joins the Host header and the
 * path unseen: some hosts make no address of it, and one with a slash in it another path than
 * proxies saw.
 */
export function urlOf(request: Request): URL | undefined {
  let url = parsed.get(request);
  if (url === undefined) {
    url = /[/\\?#@]/.test(request.headers.get("host") ?? "") ? null : URL.parse(request.url);
    parsed.set(request, url);
  }
  return url ?? undefined;
}

/** Doubled and trailing slashes, which clients of the contracts do send, change nothing. */
export function pathOf(request: Request): string {
  const pathname = urlOf(request)?.pathname ?? "/";
  if (!/\/(\/|$)/.test(pathname)) return pathname;
  const path = pathname.replaceAll(/\/{2,}/g, "/");
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
