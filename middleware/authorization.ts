import { auth } from "hono/utils/basic-auth";

/** User and password of `Authorization: Basic` (RFC 7617), if both are there. */
export function readBasic(headers: Headers): { user: string; password: string } | undefined {
  const found = auth({ headers } as Request);
  return found?.username && found.password
    ? { user: found.username, password: found.password }
    : undefined;
}

/** The token of `Authorization: Bearer` (RFC 6750). */
export function readBearer(headers: Headers): string | undefined {
  return /^Bearer +([\w.~+/=-]+)$/i.exec(headers.get("authorization") ?? "")?.[1];
}
