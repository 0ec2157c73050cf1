import assert from "node:assert/strict";
import { randomHex32 } from "../../../config/keys.ts";
import { startTestApp } from "../../harness.ts";
import { makeChatters, openGroup } from "../../people/group.ts";
import { openPartnerGroup, openServer } from "./group_place.ts";

/** Whose answer it is, and how it went. */
type Answer = `${"im" | "partner"} ${number}`;

interface Case {
  headers: "token" | "authorization" | "both" | "neither";
  id: "hex" | "decimal";
  answer: Answer;
}

/** Design, section 1: the credentials decide; with both or neither kind the shape of the id. */
const TABLE: Case[] = [
  { headers: "token", id: "hex", answer: "im 200" },
  { headers: "token", id: "decimal", answer: "im 400" },
  { headers: "authorization", id: "hex", answer: "partner 400" },
  { headers: "authorization", id: "decimal", answer: "partner 200" },
  { headers: "both", id: "hex", answer: "im 200" },
  { headers: "both", id: "decimal", answer: "partner 200" },
  { headers: "neither", id: "hex", answer: "im 401" },
  { headers: "neither", id: "decimal", answer: "partner 400" },
];

for (const method of ["POST", "DELETE"]) {
  // "POST /groups/{gid}/members" and "DELETE /groups/{gid}/members"
  Deno.test(`${method} /groups/{x}/members is im's or the partner's by headers and id`, async (t) => {
    await using app = await startTestApp();
    const server = await openServer(app);
    const [ann, ...others] = await makeChatters(app, "Ann", "Bob", "Cid", "Dan", "Eve");
    const decimal = await openPartnerGroup(server, [1, 2, 3, 4, 5]);
    const inGroup = method === "DELETE" ? others : [others[3]!];
    const hex = await openGroup(app, [ann!, ...inGroup]);

    const kinds = { token: { token: ann!.token }, authorization: `Basic ${server.basic}` };
    const headersOf = {
      token: kinds.token,
      authorization: { Authorization: kinds.authorization },
      both: { ...kinds.token, Authorization: kinds.authorization },
      neither: {},
    };
    for (const [at, { headers, id, answer }] of TABLE.entries()) {
      await t.step(`${headers}, ${id}: ${answer}`, async () => {
        // The body of whoever shall answer; each call names somebody else.
        const forIm = { members: [others[at % 3]!.uid] };
        const body = answer.startsWith("im") ? forIm : [at + 2];
        const response = await app.fetch(
          new Request(`http://plaza.test/groups/${id === "hex" ? hex : decimal}/members`, {
            method,
            headers: { ...headersOf[headers], "Content-Type": "application/json" },
            body: JSON.stringify(body),
          }),
        );
        const said = await response.json();
        const isPartner = "meta" in said;
        const status = isPartner ? said.meta.code : said.status;
        assert.equal(`${isPartner ? "partner" : "im"} ${status}`, answer, JSON.stringify(said));
        assert.equal(response.status, status);
      });
    }
  });
}

Deno.test("other operations under /groups go to whoever has them", async () => {
  await using app = await startTestApp();
  const server = await openServer(app);
  const [ann] = await makeChatters(app, "Ann");
  const token = { token: ann!.token }, basic = { Authorization: `Basic ${server.basic}` };
  const nobody = randomHex32();
  const cases: [string, string, Record<string, string>, Answer][] = [
    ["PATCH", "/groups/7999999999", basic, "partner 400"],
    ["PATCH", "/groups/x", basic, "partner 400"],
    ["PATCH", "/groups/7999999999", { ...token, ...basic }, "partner 400"],
    ["PATCH", "/groups/7999999999", token, "im 405"],
    ["GET", `/groups/${nobody}`, token, "im 400"],
    ["GET", `/groups/${nobody}`, { ...token, ...basic }, "im 400"],
    ["PUT", `/groups/${nobody}/members/${nobody}`, token, "im 400"],
    ["PATCH", "/groups/7999999999/members/1", basic, "partner 400"],
    ["POST", "/groups", basic, "partner 400"],
    ["PUT", "/groups/7999999999/members", basic, "partner 405"],
    ["PUT", `/groups/${nobody}/members`, token, "im 405"],
  ];
  for (const [method, path, headers, answer] of cases) {
    const response = await app.fetch(
      new Request(`http://plaza.test${path}`, { method, headers }),
    );
    const said = await response.json();
    const name = "meta" in said ? `partner ${said.meta.code}` : `im ${said.status}`;
    assert.equal(name, answer, `${method} ${path}: ${JSON.stringify(said)}`);
  }
});
