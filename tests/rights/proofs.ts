import { type Captured, jsonOf } from "./captured.ts";

/** The call with another value where it proves something: `body.code`, `query.auth_code`, `path.no`. */
export function withWrong(call: Captured, part: string): Captured {
  const [place, name] = part.split(".") as [string, string];
  const url = new URL(call.url);
  switch (place) {
    case "path":
      url.pathname = url.pathname.replace(call.params[name]!, otherThan(call.params[name]!));
      return { ...call, url };
    case "query":
      url.searchParams.set(name, otherThan(url.searchParams.get(name)!));
      return { ...call, url };
    default: {
      const body = jsonOf(call);
      const wrong = { ...body, [name]: otherThan(String(body[name])) };
      return { ...call, body: new TextEncoder().encode(JSON.stringify(wrong)) };
    }
  }
}

/** A text of the same shape that differs in its last half, where seals and codes are checked. */
function otherThan(text: string): string {
  const half = Math.floor(text.length / 2);
  const [kept, tail] = [text.slice(0, half), text.slice(half)];
  const other = tail.replaceAll(/\d/g, (digit) => String((Number(digit) + 1) % 10));
  return kept + (other === tail ? tail.replaceAll(/[a-z]/gi, "b") + "b" : other);
}
