import { z } from "zod";
import { addOperator } from "../../db/domain/operators/add_operator.ts";
import { changeOperator } from "../../db/domain/operators/change_operator.ts";
import { operatorRoles } from "../../db/domain/operators/permissions.ts";
import { type ListedOperator, listOperators } from "../../db/domain/operators/reads.ts";
import { disableOperator, logOutOperator } from "../../db/domain/operators/revoke.ts";
import { NAME_LENGTH_MAX, OPERATORS_START_MAX } from "../../db/domain/operators/rules.ts";
import { issueOperatorToken } from "../../db/domain/operators/tokens.ts";
import { nameUpTo } from "../fields.ts";
import { pageOf, pageQuery, timeText } from "./fields.ts";
import { endpoint } from "./surface.ts";

const OperatorRecord = z.object({
  operator_id: z.number().int(),
  name: z.string(),
  role: z.enum(operatorRoles),
  mixin_user_id: z.string().nullable().describe("Who logs in as this operator; null: nobody"),
  created_at: z.string(),
  last_login_at: z.string().nullable().describe("With Mixin; null: never"),
  disabled_at: z.string().nullable(),
});

function operatorRecord(operator: ListedOperator): z.input<typeof OperatorRecord> {
  return {
    operator_id: operator.id,
    name: operator.name,
    role: operator.role,
    mixin_user_id: operator.mixinUserId,
    created_at: timeText(operator.createdAt),
    last_login_at: operator.lastLoginAt && timeText(operator.lastLoginAt),
    disabled_at: operator.disabledAt && timeText(operator.disabledAt),
  };
}

const OperatorParams = z.object({
  operator_id: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER),
});
const Name = nameUpTo(NAME_LENGTH_MAX);
const MixinUserId = z.uuid().toLowerCase();

export const list = endpoint({
  method: "get",
  path: "/v1/operators",
  summary: "List operators",
  description: "Newest first, disabled ones too.",
  needs: "operators.manage",
  query: pageQuery(OPERATORS_START_MAX),
  data: pageOf(OperatorRecord),
  async handle({ query, ctx }) {
    const { total, items } = await listOperators(ctx, query);
    return { total, items: items.map(operatorRecord) };
  },
});

export const add = endpoint({
  method: "post",
  path: "/v1/operators",
  summary: "Make an operator",
  description:
    "Names may be alike, a Mixin user is one operator's: that of a disabled one may be " +
    "given to another.",
  needs: "operators.manage",
  body: z.object({
    name: Name,
    role: z.enum(operatorRoles),
    mixin_user_id: MixinUserId.nullish().describe("Who may log in as this operator"),
    token: z.boolean().nullish().describe("Whether to answer a token, good for seven days"),
  }),
  data: OperatorRecord.extend({ token: z.string().optional().describe("Shown this once") }),
  errors: ["operator_mixin_taken"],
  async handle({ body: { name, role, mixin_user_id, token: withToken }, actor, ctx }) {
    const mixinUserId = mixin_user_id ?? undefined;
    const operator = await addOperator(ctx, { name, role, mixinUserId, actor });
    const token = withToken
      ? await issueOperatorToken(ctx, { operatorId: operator.id, role })
      : undefined;
    return { ...operatorRecord(operator), token };
  },
});

export const change = endpoint({
  method: "patch",
  path: "/v1/operators/{operator_id}",
  summary: "Change an operator",
  description: "What is absent stays. A new role ends all their tokens at once.",
  needs: "operators.manage",
  params: OperatorParams,
  body: z.object({
    name: Name.nullish(),
    role: z.enum(operatorRoles).nullish(),
    mixin_user_id: MixinUserId.nullable().optional()
      .describe("Who may log in as this operator; null: nobody"),
  }),
  data: OperatorRecord,
  errors: ["operator_missing", "operator_disabled", "operator_mixin_taken", "operator_last_admin"],
  handle: async ({ params: { operator_id: operatorId }, body, actor, ctx }) =>
    operatorRecord(
      await changeOperator(ctx, {
        operatorId,
        name: body.name ?? undefined,
        role: body.role ?? undefined,
        mixinUserId: body.mixin_user_id,
        actor,
      }),
    ),
});

export const disable = endpoint({
  method: "post",
  path: "/v1/operators/{operator_id}/disable",
  summary: "Disable an operator for good",
  description: "All their tokens end at once. Disabled again, nothing happens.",
  needs: "operators.manage",
  params: OperatorParams,
  data: OperatorRecord,
  errors: ["operator_missing", "operator_last_admin"],
  handle: async ({ params, actor, ctx }) =>
    operatorRecord(await disableOperator(ctx, { operatorId: params.operator_id, actor })),
});

export const logOut = endpoint({
  method: "post",
  path: "/v1/operators/{operator_id}/logout",
  summary: "End all tokens an operator has, at once",
  description: "They are an operator still, and may log in again.",
  needs: "operators.manage",
  params: OperatorParams,
  data: OperatorRecord,
  errors: ["operator_missing"],
  handle: async ({ params, actor, ctx }) =>
    operatorRecord(await logOutOperator(ctx, { operatorId: params.operator_id, actor })),
});
