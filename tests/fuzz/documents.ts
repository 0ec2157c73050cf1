import { z } from "zod";
import { openApiText } from "../../routes/openapi.ts";
import type { SurfaceName } from "../../routes/surfaces.ts";

/** A JSON Schema as the documents write them; of what they use, only what is read here. */
export interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

export interface Parameter {
  name: string;
  in: "path" | "query";
  schema: Schema;
}

/** What a surface's document says of one operation. */
export interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content: Record<string, { schema: Schema }> }>;
}

export interface Answer {
  status: number;
  type: string;
  text: string;
}

/** The document of one surface, as its readers get it. */
export class SurfaceDocument {
  readonly #checks = new Map<string, z.ZodType>();

  private constructor(readonly operations: Map<string, Operation>) {}

  static async read(name: SurfaceName): Promise<SurfaceDocument> {
    const text = await openApiText(name, { version: "1", publicUrl: undefined });
    const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, Operation>> };
    return new SurfaceDocument(
      new Map(
        Object.entries(paths).flatMap(([path, operations]) =>
          Object.entries(operations).map(([method, operation]) =>
            [`${method.toUpperCase()} ${path}`, operation] as const
          )
        ),
      ),
    );
  }

  /** What of an answer the document does not say; undefined: nothing. */
  faultIn(operation: string, { status, type, text }: Answer): string | undefined {
    const content = this.operations.get(operation)?.responses[status]?.content;
    if (!content) return `${status} is not documented`;
    // Of an answer that is somewhere else there is nothing to read here.
    if (Object.keys(content).length === 0 && text === "") return undefined;
    const mediaType = type.split(";")[0]!.trim();
    const documented = content[mediaType] ?? content[mediaType.replace(/\/.*/, "/*")];
    if (!documented) return `${status} is not documented as ${mediaType || "nothing"}`;
    if (mediaType !== "application/json") return undefined;
    const { success, error } = this.#checkFor(`${operation} ${status}`, documented.schema)
      .safeParse(JSON.parse(text));
    return success ? undefined : `${status} is not as documented: ${z.prettifyError(error)}`;
  }

  #checkFor(key: string, schema: Schema): z.ZodType {
    const kept = this.#checks.get(key);
    if (kept) return kept;
    const check = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
    this.#checks.set(key, check);
    return check;
  }
}
