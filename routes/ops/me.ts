import { z } from "zod";
import { can, operatorRoles, permissions } from "../../db/domain/operators/permissions.ts";
import { verifyOperatorToken } from "../../db/domain/operators/tokens.ts";
import { readBearer } from "../../middleware/authorization.ts";
import { timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const Me = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("operator"),
    operator_id: z.number().int(),
    name: z.string(),
    role: z.enum(operatorRoles),
    permissions: z.array(z.enum(permissions)).describe("What the role may do"),
    expires_at: z.string().describe("When this token ends by itself"),
  }),
  z.object({
    kind: z.literal("key"),
    id: z.string(),
    name: z.string(),
    group_ids: z.array(z.string()).nullable().describe("Groups it may speak for; null: all"),
  }),
]);

export const read = endpoint({
  method: "get",
  path: "/v1/me",
  summary: "See whose token or key this is, and what it is good for",
  needs: null,
  keys: true,
  data: Me,
  async handle({ actor, headers, ctx }): Promise<z.input<typeof Me>> {
    if (actor.kind === "key") {
      const { keyId, name, groupIds } = actor;
      return { kind: "key", id: keyId, name, group_ids: groupIds?.map(String) ?? null };
    }
    const { operatorId, name, role } = actor;
    const { expiresAt } = await verifyOperatorToken(ctx, readBearer(headers)!);
    return {
      kind: "operator",
      operator_id: operatorId,
      name,
      role,
      permissions: permissions.filter((permission) => can(role, permission)),
      expires_at: timeText(expiresAt),
    };
  },
});
