import assert from "node:assert/strict";
import { openApiText } from "../../routes/openapi.ts";
import { loadSurface, surfaceNames } from "../../routes/surfaces.ts";

interface Operation {
  operationId: string;
  summary: string;
  security: Record<string, unknown>[];
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  responses: Record<string, { content: Record<string, { schema: object }> }>;
}
type Paths = Record<string, Record<string, Operation>>;

for (const name of surfaceNames) {
  Deno.test(`the document of ${name} is whole`, async () => {
    const text = await openApiText(name, { version: "1", publicUrl: undefined });
    const { openapi, paths } = JSON.parse(text) as { openapi: string; paths: Paths };
    assert.equal(openapi, "3.1.0");
    const { endpoints } = await loadSurface(name);
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`)
    );
    const mounted = endpoints.map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(documented.sort(), mounted.sort());
    const ids = Object.values(paths).flatMap((operations) =>
      Object.values(operations).map(({ operationId }) => operationId)
    );
    assert.equal(new Set(ids).size, ids.length);

    for (const { method, path, open } of endpoints) {
      const { parameters = [], security, responses, summary } = paths[path]![method]!;
      assert.notEqual(summary, "");
      assert.equal(security.length === 0, open, `${method} ${path}`);
      const inPath = parameters.filter((parameter) => parameter.in === "path");
      assert.deepEqual(
        inPath.map((parameter) => parameter.name),
        [...path.matchAll(/\{(\w+)\}/g)].map(([, found]) => found),
      );
      assert.ok(inPath.every(({ required }) => required));
      for (const { content } of Object.values(responses)) {
        for (const { schema } of Object.values(content)) assert.equal(typeof schema, "object");
      }
      assert.ok(responses[200] && Object.keys(responses).length > 1, `${method} ${path}`);
    }
  });
}

Deno.test("all values of a flag are documented, and what may be left out is", async () => {
  const { paths } = JSON.parse(await openApiText("im", { version: "1", publicUrl: undefined }));
  const sync = paths["/friend/sync"].post;
  const [friend] = [sync.responses[200].content["application/json"].schema.items];
  assert.deepEqual(friend.properties.is_deleted.enum, [0, 1]);
  assert.equal(sync.requestBody.required, false);
  assert.equal(paths["/friend/sure"].post.requestBody.required, true);
});
