import { and, eq, isNull } from "drizzle-orm";
import { decodeJwt } from "jose";
import { type Credentials, readCredentials, writeCredentials } from "../../../config/data_dir.ts";
import { contextFor, type Ctx, type Parts, withTx } from "../../client/ctx.ts";
import { operators } from "../../schema/operators.ts";
import { issueOperatorToken } from "../operators/tokens.ts";
import { seedDemo } from "./seed_demo.ts";

/** A token with less life than this left is replaced at a start, ms. */
const TOKEN_LIFE_MS_MIN = 24 * 60 * 60 * 1000;

/**
 * Seeds the demo at the first start on embedded parts and leaves its secrets in
 * `DATA_DIR/credentials.json`; at later starts renews the operator's token there if it runs out.
 */
export async function firstStart(parts: Parts): Promise<void> {
  const ctx = contextFor(parts, "first-start");
  const seeded = await withTx(ctx, async (ctx) => {
    const demo = await seedDemo(ctx);
    if (!demo) return false;
    // Written before the commit: secrets that are in the database are in the file as well.
    await writeCredentials(ctx.config.dataDir, {
      operator: {
        token: await issueOperatorToken(ctx, { operatorId: demo.operatorId, role: "admin" }),
      },
      ops_key: demo.opsKey,
      partner: demo.partner,
      demo_group_id: String(demo.groupId),
    });
    return true;
  });
  if (!seeded) await renewToken(ctx);
}

async function renewToken(ctx: Ctx): Promise<void> {
  const { dataDir } = ctx.config;
  const credentials: Credentials | undefined = await readCredentials(dataDir);
  if (!credentials) return;
  const { sub, exp = 0 } = decodeJwt(credentials.operator.token);
  if (exp * 1000 - ctx.now().getTime() > TOKEN_LIFE_MS_MIN) return;
  // As they stand by now: a token of another role or generation would open nothing.
  const [operator] = await ctx.db.select().from(operators)
    .where(and(eq(operators.id, Number(sub)), isNull(operators.disabledAt))).limit(1);
  if (!operator) return;
  const { id: operatorId, role, generation } = operator;
  const token = await issueOperatorToken(ctx, { operatorId, role, generation });
  await writeCredentials(dataDir, { ...credentials, operator: { token } });
}
