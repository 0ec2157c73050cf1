import { openApiText } from "../../routes/openapi.ts";
import type { SurfaceName } from "../../routes/surfaces.ts";

type Json = Record<string, unknown>;

/** Keys of a surface's failure, and the code in it; an exact copy of what the contracts show. */
const ENVELOPES: Record<SurfaceName, { keys: string[]; code(body: Json): unknown }> = {
  gateway: {
    keys: ["status", "message", "result", "errorCode"],
    code: ({ status, result, errorCode }) => status === 0 && result === errorCode && errorCode,
  },
  im: { keys: ["status", "msg"], code: ({ status }) => status },
  partner: { keys: ["meta", "error"], code: ({ meta }) => (meta as Json).code },
  admin: { keys: ["code", "message"], code: ({ code }) => code },
  ops: { keys: ["code", "msg"], code: ({ code }) => code },
};

/** The code a surface gives a status that has none of its own. */
const CODES: Record<SurfaceName, (status: number) => number> = {
  gateway: () => 0,
  im: (status) => status,
  partner: (status) => status,
  admin: (status) => status,
  ops: (status) => ({ 400: 4001, 404: 4004 }[status] ?? 4003),
};

/**
 * How a surface refused: `401`, or `200:600000` where the code is no status' own; undefined when it
 * is no failure in the surface's envelope.
 */
export function readRefusal(surface: SurfaceName, http: number, body: Json): string | undefined {
  const { keys, code } = ENVELOPES[surface];
  if (Array.isArray(body) || keys.some((key) => !(key in body))) return undefined;
  const told = code(body);
  if (typeof told !== "number") return undefined;
  return told === CODES[surface](http) ? `${http}` : `${http}:${told}`;
}

/** `success`, or how the surface refused; undefined when it is neither. */
export function outcomeOf(surface: SurfaceName, http: number, text: string): string | undefined {
  const body = http === 200 && !text.startsWith("{") ? {} : JSON.parse(text);
  const isSuccess = http === 200 && (surface !== "gateway" || body.status === 1);
  return isSuccess ? "success" : readRefusal(surface, http, body);
}

/** The refusals a surface's documents show, by operation, spelt as {@link readRefusal} does. */
export async function readDocumented(surface: SurfaceName): Promise<Map<string, Set<string>>> {
  const text = await openApiText(surface, { version: "1", publicUrl: undefined });
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, Documented>> };
  return new Map(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { responses }]) =>
        [`${method.toUpperCase()} ${path}`, new Set(shownIn(surface, responses))] as const
      )
    ),
  );
}

interface Documented {
  responses: Record<string, { content: Record<string, { examples?: Record<string, Example> }> }>;
}
interface Example {
  value: Json;
}

function shownIn(surface: SurfaceName, responses: Documented["responses"]): string[] {
  return Object.entries(responses).flatMap(([http, { content }]) =>
    Object.values(content).flatMap(({ examples = {} }) =>
      Object.values(examples).map(({ value }) => readRefusal(surface, Number(http), value) ?? "")
    )
  );
}
