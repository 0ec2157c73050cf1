import assert from "node:assert/strict";
import { judgeCustomer, proofOf } from "../../db/domain/support/customer_rules.ts";

const asks = ["device", "always", "never"] as const;
const proofs = ["none", "right", "wrong"] as const;
const knowns = [
  undefined,
  ...[false, true].flatMap((gaveDevice) =>
    [false, true].map((isOnTheirDevice) => ({ gaveDevice, isOnTheirDevice }))
  ),
];

Deno.test("who is let in as a customer, by every rule, proof and device", () => {
  const table = asks.map((asked) =>
    proofs.map((proof) =>
      knowns.map((known) => {
        const verdict = judgeCustomer({ asked, proof, known });
        if (!verdict) return "-";
        return verdict.isProven ? "P" : verdict.mayRename ? "R" : "i";
      }).join("")
    )
  );
  // New; known without a device; the same on one of theirs, which cannot be; then with devices.
  assert.deepEqual(table, [
    ["RiR-R", "PPPPP", "-----"],
    ["R----", "PPPPP", "-----"],
    ["RRRRR", "RRRRR", "RRRRR"],
  ]);
});

Deno.test("one proof that holds is enough, and none is none", () => {
  assert.equal(proofOf([]), "none");
  assert.equal(proofOf([undefined, undefined]), "none");
  assert.equal(proofOf([undefined, false]), "wrong");
  assert.equal(proofOf([false, true, undefined]), "right");
});
